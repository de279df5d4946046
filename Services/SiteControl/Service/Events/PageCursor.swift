import Encoding
import HTTP

/// Where a page of a list that is sorted by time begins: behind the row with this time and id. Opaque to clients.
struct PageCursor: Sendable, Equatable {
    let at: Timestamp
    let id: UUID

    var text: String {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: at.microseconds.bigEndian) { bytes += $0 }
        id.withUnsafeBytes { bytes += $0 }
        return Base64.encode(bytes, .url)
    }

    init(at: Timestamp, id: UUID) {
        self.at = at
        self.id = id
    }

    init?(_ text: String) {
        guard let bytes = Base64.decode(text, .url), bytes.count == 24 else { return nil }
        let microseconds = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let id = Array(bytes.dropFirst(8)).withUnsafeBytes({ UUID(bytes: $0) }) else { return nil }
        self.id = id
        at = Timestamp(microseconds: Int64(bitPattern: microseconds))
        // What PostgreSQL has no time for was never given out.
        guard Self.times.contains(at.microseconds) else { return nil }
    }

    /// The years 1970 to 9999.
    private static let times: Range<Int64> = 0..<253_402_300_800_000_000

    /// `Link: <…>; rel="next"` (RFC 8288): the same query from here on; relative, so that it holds behind any proxy.
    func nextPage(of request: Request) -> String {
        var query = "cursor=\(text)"
        for part in (request.rawQuery ?? "").split(separator: "&") where !part.hasPrefix("cursor=") { query += "&\(part)" }
        return "<\(request.rawPath)?\(query)>; rel=\"next\""
    }
}
