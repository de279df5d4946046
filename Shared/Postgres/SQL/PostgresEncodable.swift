/// A value that SQL interpolation binds as a parameter.
///
/// Enums and id types over an encodable raw value conform by saying so:
/// `enum State: String, PostgresEncodable { … }`.
public protocol PostgresEncodable: Sendable {
    /// How parameters of this type are declared.
    static var postgresType: PostgresType { get }

    /// Appends the value in the format that ``postgresType`` announces. Not called when ``isPostgresNull``.
    func encode(into bytes: inout ParameterBytes)

    /// SQL NULL: only an optional says true.
    var isPostgresNull: Bool { get }

    /// How an array of such values is declared; `[UInt8]` is bytea rather than an array.
    static var postgresArrayType: PostgresType { get }

    /// Appends an array of such values.
    static func encode(array: [Self], into bytes: inout ParameterBytes)
}

/// Where values are written: one buffer for all parameters of a statement.
public struct ParameterBytes: Sendable {
    var storage: [UInt8] = []
    /// A text held U+0000, which PostgreSQL cannot store.
    var sawNUL = false

    public mutating func append<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.bigEndian) { storage.append(contentsOf: $0) }
    }

    public mutating func append(_ bytes: some Sequence<UInt8>) { storage.append(contentsOf: bytes) }

    /// UTF-8 without a terminator. Notes U+0000; the statement is then refused before it is sent.
    public mutating func append(text: String) {
        var text = text
        text.withUTF8 { utf8 in
            if utf8.contains(0) { sawNUL = true }
            storage.append(contentsOf: utf8)
        }
    }

    mutating func store(_ value: Int32, at offset: Int) {
        withUnsafeBytes(of: value.bigEndian) { bytes in
            for index in 0..<4 { storage[offset + index] = bytes[index] }
        }
    }
}

extension PostgresEncodable {
    public var isPostgresNull: Bool { false }

    public static var postgresArrayType: PostgresType {
        let element = postgresType
        return PostgresType(oid: element.arrayOID, arrayOID: element.arrayOID, elementOID: element.elementOID)
    }

    /// One dimension, lower bound 1 (`array_send`).
    public static func encode(array: [Self], into bytes: inout ParameterBytes) {
        bytes.append(Int32(array.isEmpty ? 0 : 1))
        bytes.append(Int32(array.contains { $0.isPostgresNull } ? 1 : 0))
        bytes.append(postgresType.elementOID)
        if array.isEmpty { return }
        bytes.append(Int32(truncatingIfNeeded: array.count))
        bytes.append(Int32(1))
        for element in array {
            if element.isPostgresNull {
                bytes.append(Int32(-1))
                continue
            }
            let start = bytes.storage.count
            bytes.append(Int32(0))
            element.encode(into: &bytes)
            bytes.store(Int32(truncatingIfNeeded: bytes.storage.count - start - 4), at: start)
        }
    }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    public static var postgresType: PostgresType { RawValue.postgresType }
    public func encode(into bytes: inout ParameterBytes) { rawValue.encode(into: &bytes) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    public static var postgresType: PostgresType { Wrapped.postgresType }
    public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
    public var isPostgresNull: Bool { self?.isPostgresNull ?? true }
    public func encode(into bytes: inout ParameterBytes) { self?.encode(into: &bytes) }
}

extension Array: PostgresEncodable where Element: PostgresEncodable {
    public static var postgresType: PostgresType { Element.postgresArrayType }
    public func encode(into bytes: inout ParameterBytes) { Element.encode(array: self, into: &bytes) }
}

extension String: PostgresEncodable {
    public static var postgresType: PostgresType { .text }
    public func encode(into bytes: inout ParameterBytes) { bytes.append(text: self) }
}

extension Substring: PostgresEncodable {
    public static var postgresType: PostgresType { .text }
    public func encode(into bytes: inout ParameterBytes) { bytes.append(text: String(self)) }
}

extension Bool: PostgresEncodable {
    public static var postgresType: PostgresType { .bool }
    public func encode(into bytes: inout ParameterBytes) { bytes.append(UInt8(self ? 1 : 0)) }
}

extension Int: PostgresEncodable {
    public static var postgresType: PostgresType { .int8 }
    public func encode(into bytes: inout ParameterBytes) { bytes.append(Int64(self)) }
}

extension Int64: PostgresEncodable {
    public static var postgresType: PostgresType { .int8 }
    public func encode(into bytes: inout ParameterBytes) { bytes.append(self) }
}

extension Int32: PostgresEncodable {
    public static var postgresType: PostgresType { .int4 }
    public func encode(into bytes: inout ParameterBytes) { bytes.append(self) }
}

extension Int16: PostgresEncodable {
    public static var postgresType: PostgresType { .int2 }
    public func encode(into bytes: inout ParameterBytes) { bytes.append(self) }
}

extension Double: PostgresEncodable {
    public static var postgresType: PostgresType { .float8 }
    public func encode(into bytes: inout ParameterBytes) { bytes.append(bitPattern) }
}

/// Alone an int2; an array of them is bytea.
extension UInt8: PostgresEncodable {
    public static var postgresType: PostgresType { .int2 }
    public static var postgresArrayType: PostgresType { .bytea }
    public func encode(into bytes: inout ParameterBytes) { bytes.append(Int16(self)) }
    public static func encode(array: [UInt8], into bytes: inout ParameterBytes) { bytes.append(array) }
}

/// JSON text for json and jsonb columns. Its syntax is checked by the server.
public struct JSONText: PostgresEncodable, Hashable {
    public var utf8: [UInt8]
    public init(utf8: [UInt8]) { self.utf8 = utf8 }
    public init(_ text: String) { utf8 = Array(text.utf8) }

    public static var postgresType: PostgresType { .jsonb }

    /// The version byte of `jsonb_send`, then the text.
    public func encode(into bytes: inout ParameterBytes) {
        bytes.append(UInt8(1))
        if utf8.contains(0) { bytes.sawNUL = true }
        bytes.append(utf8)
    }
}
