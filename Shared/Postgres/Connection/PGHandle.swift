internal import CLibpq
import Glibc

/// Owns one PGconn, connecting or connected. Loop-bound after it was started.
final class PGHandle: @unchecked Sendable {
    // @unchecked: made on a thread of the connecting pool, handed over once, then used by one loop only.
    let raw: OpaquePointer

    /// Begins to connect; may block for a name lookup. nil when out of memory.
    init?(starting settings: ConnectionSettings) {
        let keywords = settings.parameters.map { strdup($0.0) } + [nil]
        let values = settings.parameters.map { strdup($0.1) } + [nil]
        defer {
            for pointer in keywords { free(pointer) }
            for pointer in values { free(pointer) }
        }
        let constKeywords = keywords.map { UnsafePointer($0) }
        let constValues = values.map { UnsafePointer($0) }
        guard let raw = PQconnectStartParams(constKeywords, constValues, 1) else { return nil }
        self.raw = raw
        // Notices would go to standard error.
        PQsetNoticeProcessor(raw, { _, _ in }, nil)
    }

    deinit { PQfinish(raw) }

    var socket: Int32 { PQsocket(raw) }
    var isBroken: Bool { PQstatus(raw) == CONNECTION_BAD }
    var backendPID: Int32 { PQbackendPID(raw) }
    var message: String { firstLine(PQerrorMessage(raw)) }

    /// Sends one statement by its prepared name, or unnamed when `name` is nil. Results come in binary format.
    func send(_ statement: BoundStatement, name: String?) -> Bool {
        let list = statement.parameters
        let count = list.slots.count
        if count == 0 {
            guard let name else { return PQsendQueryParams(raw, statement.text, 0, nil, nil, nil, nil, 1) == 1 }
            return PQsendQueryPrepared(raw, name, 0, nil, nil, nil, 1) == 1
        }
        return list.bytes.storage.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: 3 * count) { numbers in
                    guard let numbersBase = numbers.baseAddress else { return false }
                    let lengths = numbersBase, formats = numbersBase + count, types = numbersBase + 2 * count
                    // An empty value still needs a pointer that is not NULL.
                    let base = bytes.baseAddress ?? UnsafeRawPointer(numbersBase)
                    for index in 0..<count {
                        let slot = list.slots[index]
                        values[index] =
                            slot.length < 0 ? nil : (base + slot.start).assumingMemoryBound(to: CChar.self)
                        lengths[index] = Int32(truncatingIfNeeded: max(0, slot.length))
                        formats[index] = slot.type.isBinary ? 1 : 0
                        types[index] = Int32(bitPattern: slot.type.oid)
                    }
                    if let name {
                        return PQsendQueryPrepared(
                            raw, name, Int32(count), values.baseAddress, lengths, formats, 1) == 1
                    }
                    return types.withMemoryRebound(to: Oid.self, capacity: count) {
                        PQsendQueryParams(
                            raw, statement.text, Int32(count), $0, values.baseAddress, lengths, formats, 1) == 1
                    }
                }
            }
        }
    }

    func sendPrepare(_ entry: StatementCache.Entry) -> Bool {
        PQsendPrepare(raw, entry.name, entry.text, Int32(truncatingIfNeeded: entry.types.count), entry.types) == 1
    }
}
