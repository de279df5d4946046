/// The bound values of one statement, encoded one behind the other.
struct ParameterList: Sendable {
    struct Slot: Sendable {
        let type: PostgresType
        /// Where its bytes begin in the buffer.
        let start: Int
        /// -1 is NULL.
        let length: Int
        /// Where `$n` stands in the text, in UTF-8 bytes.
        var textOffset: Int
    }

    private(set) var bytes = ParameterBytes()
    private(set) var slots: [Slot] = []
    /// Of the first parameter that held U+0000, counted from 1.
    private(set) var positionOfNUL: Int?

    var count: Int { slots.count }

    mutating func append<Value: PostgresEncodable>(_ value: Value, textOffset: Int) {
        let type = Value.postgresType
        let start = bytes.storage.count
        if value.isPostgresNull {
            slots.append(Slot(type: type, start: start, length: -1, textOffset: textOffset))
            return
        }
        value.encode(into: &bytes)
        note(type: type, start: start, textOffset: textOffset)
    }

    /// Takes over the parameters of a fragment. `textOffset` says where the marker of each now stands.
    mutating func append(_ other: ParameterList, textOffset: (Int) -> Int) {
        for index in 0..<other.slots.count {
            let slot = other.slots[index]
            let start = bytes.storage.count
            if slot.length < 0 {
                slots.append(Slot(type: slot.type, start: start, length: -1, textOffset: textOffset(index)))
                continue
            }
            bytes.append(other.bytes.storage[slot.start..<(slot.start + slot.length)])
            bytes.sawNUL = other.positionOfNUL == index + 1
            note(type: slot.type, start: start, textOffset: textOffset(index))
        }
    }

    private mutating func note(type: PostgresType, start: Int, textOffset: Int) {
        let length = bytes.storage.count - start
        slots.append(Slot(type: type, start: start, length: length, textOffset: textOffset))
        // libpq reads a text parameter up to its NUL.
        if !type.isBinary { bytes.append(UInt8(0)) }
        if bytes.sawNUL {
            bytes.sawNUL = false
            if positionOfNUL == nil { positionOfNUL = slots.count }
        }
    }

    /// The declared types, in order: with the text they name a prepared statement.
    var oids: [UInt32] { slots.map(\.type.oid) }
}
