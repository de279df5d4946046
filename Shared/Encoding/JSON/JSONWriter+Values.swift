extension JSONWriter {
    @inlinable
    public mutating func null() {
        separate()
        buffer.append(literal: "null")
    }

    @inlinable
    public mutating func value(_ value: Bool) {
        separate()
        buffer.append(literal: value ? "true" : "false")
    }

    @inlinable
    public mutating func value(_ value: Int) {
        separate()
        buffer.append(decimal: value)
    }

    @inlinable
    public mutating func value(_ value: Int64) {
        separate()
        buffer.append(decimal: value)
    }

    @inlinable
    public mutating func value(_ value: UInt64) {
        separate()
        buffer.append(decimal: value)
    }

    /// The shortest text that reads back as `value`. JSON lacks infinities and not-a-number: they become null.
    public mutating func value(_ value: Double) {
        guard value.isFinite else { return null() }
        separate()
        buffer.append(value.description)
    }

    public mutating func value(_ value: JSONNumber) {
        separate()
        buffer.append(value.text)
    }

    @inlinable
    public mutating func value(_ value: String) {
        separate()
        buffer.appendJSONString(value)
    }

    /// A string known at compile time, without quote, backslash or control character.
    @inlinable
    public mutating func value(literal value: StaticString) {
        separate()
        buffer.append(UInt8(ascii: "\""))
        buffer.append(literal: value)
        buffer.append(UInt8(ascii: "\""))
    }

    /// A string from bytes that are known to be UTF-8.
    public mutating func value(utf8 bytes: UnsafeRawBufferPointer) {
        separate()
        buffer.appendJSONString(bytes)
    }

    public mutating func value(_ value: UUID) {
        separate()
        buffer.append(UInt8(ascii: "\""))
        buffer.append(value)
        buffer.append(UInt8(ascii: "\""))
    }

    /// RFC 3339 in UTC.
    public mutating func value(_ value: Timestamp, _ precision: Timestamp.Precision = .microseconds) {
        separate()
        buffer.append(UInt8(ascii: "\""))
        buffer.append(value, precision)
        buffer.append(UInt8(ascii: "\""))
    }

    /// A string of lower-case hexadecimal digits.
    public mutating func value(hex bytes: UnsafeRawBufferPointer) {
        separate()
        buffer.append(UInt8(ascii: "\""))
        buffer.append(hex: bytes)
        buffer.append(UInt8(ascii: "\""))
    }

    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): self.value(value)
        case .number(let value): self.value(value)
        case .string(let value): self.value(value)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members {
                key(dynamic: member.key)
                self.value(member.value)
            }
            endObject()
        }
    }

    /// One value that is JSON text already, as PostgreSQL hands out a jsonb. Not checked.
    public mutating func value(json text: UnsafeRawBufferPointer) {
        separate()
        buffer.append(text)
    }

    @inlinable
    public mutating func value(_ value: some JSONEncodable) {
        value.encode(to: &self)
    }

    /// Key and value in one line.
    @inlinable
    public mutating func member(_ name: StaticString, _ value: some JSONEncodable) {
        key(name)
        value.encode(to: &self)
    }

    /// Nothing at all for nil. (`member` writes null.)
    @inlinable
    public mutating func memberIfPresent(_ name: StaticString, _ value: (some JSONEncodable)?) {
        guard let value else { return }
        member(name, value)
    }

    /// `{…}` with the members that `body` writes.
    @inlinable
    public mutating func object<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        beginObject()
        try body(&self)
        endObject()
    }

    /// `[…]` with one element per item.
    @inlinable
    public mutating func array<Items: Sequence, Failure: Error>(
        _ items: Items, _ body: (inout JSONWriter, Items.Element) throws(Failure) -> Void
    ) throws(Failure) {
        beginArray()
        for item in items { try body(&self, item) }
        endArray()
    }
}
