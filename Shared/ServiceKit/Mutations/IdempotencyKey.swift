public import HTTP

/// The value of an `Idempotency-Key` field (draft-ietf-httpapi-idempotency-key-header): 1 to 255 visible ASCII characters.
/// Bare and quoted spell the same key.
public struct IdempotencyKey: Sendable, Hashable {
    public enum Problem: Error, Sendable, Hashable {
        /// No field, or a blank one.
        case missing
        /// Other characters, too long, unbalanced quotation marks, or two fields that differ.
        case malformed
    }

    static let charactersMax = 255

    public let text: String

    /// Reads the field of a request.
    public init(_ request: Request) throws(Problem) { try self.init(fieldValues: request.headers("Idempotency-Key")) }

    public init(fieldValues: [String]) throws(Problem) {
        var found: String?
        for value in fieldValues {
            let text = try Self.unquoted(value)
            guard found == nil || found == text else { throw .malformed }
            found = text
        }
        guard let found, !found.isEmpty else { throw .missing }
        guard found.utf8.count <= Self.charactersMax, found.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .malformed
        }
        text = found
    }

    /// The inside of an RFC 8941 string, or the text itself; blanks around it do not count.
    private static func unquoted(_ value: String) throws(Problem) -> String {
        var bytes = Array(value.utf8)[...]
        while bytes.first == 0x20 || bytes.first == 0x09 { bytes.removeFirst() }
        while bytes.last == 0x20 || bytes.last == 0x09 { bytes.removeLast() }
        guard bytes.first == UInt8(ascii: "\"") else {
            guard !bytes.contains(UInt8(ascii: "\"")) else { throw .malformed }
            return String(decoding: bytes, as: UTF8.self)
        }
        bytes.removeFirst()
        guard bytes.popLast() == UInt8(ascii: "\"") else { throw .malformed }
        var text: [UInt8] = []
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): throw .malformed
            case UInt8(ascii: "\\"):
                guard let next = bytes.popFirst(), next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") else {
                    throw .malformed
                }
                text.append(next)
            default: text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
