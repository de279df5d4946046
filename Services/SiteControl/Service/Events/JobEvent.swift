import Encoding
import Postgres

/// One event of a job, as the table has it. The numbers of a job rise by one, in the order in which they were committed.
struct JobEvent: PostgresRow, Equatable {
    let seq: Int64
    let at: Timestamp
    /// `state`, `progress` or `output`.
    let kind: String
    /// An object.
    let data: JSONText

    init(_ row: inout RowReader) throws(RowError) {
        seq = try row.next()
        at = try row.next()
        kind = try row.next()
        data = try row.next()
    }

    init(seq: Int64, at: Timestamp, kind: String, data: JSONText) {
        self.seq = seq
        self.at = at
        self.kind = kind
        self.data = data
    }

    /// As a server-sent event. The data is one line: JSON has line breaks only between its tokens, and PostgreSQL writes none
    /// there. The time joins the members of the object.
    var frame: [UInt8] {
        var frame = Array("id: \(seq)\nevent: \(kind)\ndata: ".utf8)
        let members = data.utf8.dropLast(1)
        frame += members
        if members.count > 1 { frame.append(UInt8(ascii: ",")) }
        frame += "\"at\":\"\(at)\"}\n\n".utf8
        return frame
    }
}
