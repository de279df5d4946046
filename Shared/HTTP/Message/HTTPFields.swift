/// Fields of a message in the order they were added; names compare without regard to case.
///
/// A value can never end the line it stands on: CR, LF and NUL do not get in.
public struct HTTPFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    public struct Field: Sendable, Equatable {
        public let name: String
        public let value: String
    }

    public private(set) var fields: [Field] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }

    public var isEmpty: Bool { fields.isEmpty }
    public var count: Int { fields.count }

    /// Appends a field. CR, LF and NUL in `value` become spaces (RFC 9110 §5.5).
    /// - Precondition: `name` is a token. Names come from this program; see `addChecked` for those that do not.
    public mutating func add(_ name: String, _ value: String) {
        precondition(Self.isToken(name), "not a field name")
        fields.append(Field(name: name, value: Self.neutralized(value)))
    }

    /// Replaces every field of that name by one, which stands where the first stood. As `add` otherwise.
    public mutating func set(_ name: String, _ value: String) {
        guard let index = fields.firstIndex(where: { Self.same($0.name, name) }) else { return add(name, value) }
        precondition(Self.isToken(name), "not a field name")
        fields[index] = Field(name: name, value: Self.neutralized(value))
        var position = fields.count - 1
        while position > index {
            if Self.same(fields[position].name, name) { fields.remove(at: position) }
            position -= 1
        }
    }

    /// Appends a field, or refuses what RFC 9110 §5.1 and §5.5 do not allow.
    public mutating func addChecked(_ name: String, _ value: String) throws(HTTPFieldError) {
        guard Self.isToken(name) else { throw .badName }
        guard !Self.holdsForbidden(value) else { throw .badValue }
        fields.append(Field(name: name, value: value))
    }

    public mutating func remove(_ name: String) {
        fields.removeAll { Self.same($0.name, name) }
    }

    public func first(_ name: String) -> String? {
        fields.first { Self.same($0.name, name) }?.value
    }

    public func all(_ name: String) -> [String] {
        fields.lazy.filter { Self.same($0.name, name) }.map(\.value)
    }

    public func contains(_ name: String) -> Bool {
        fields.contains { Self.same($0.name, name) }
    }

    // MARK: Helpers

    private static func neutralized(_ value: String) -> String {
        guard holdsForbidden(value) else { return value }
        return String(decoding: value.utf8.map { isForbidden($0) ? 0x20 : $0 }, as: UTF8.self)
    }

    private static func holdsForbidden(_ value: String) -> Bool {
        value.utf8.span.bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
            return ByteScan.firstControl(base, from: 0, to: bytes.count) < bytes.count
        }
    }

    /// CR, LF, NUL, and the other controls that no field value may hold.
    private static func isForbidden(_ byte: UInt8) -> Bool { (byte < 0x20 && byte != 0x09) || byte == 0x7F }

    private static func isToken(_ name: String) -> Bool {
        let classes = ByteClass.table
        let bytes = name.utf8.span
        for index in 0..<bytes.count where classes[Int(bytes[index])] & ByteClass.token == 0 { return false }
        return !bytes.isEmpty
    }

    package static func same(_ a: String, _ b: String) -> Bool {
        let (a, b) = (a.utf8.span, b.utf8.span)
        guard a.count == b.count else { return false }
        for index in 0..<a.count where ByteClass.lowercased(a[index]) != ByteClass.lowercased(b[index]) { return false }
        return true
    }
}

/// Why a field was refused.
public enum HTTPFieldError: Error, Sendable, Equatable {
    case badName, badValue
}
