/// Writes JSON without white space, member by member; commas are its business.
///
///     var json = JSONWriter()
///     json.beginObject()
///     json.member("id", id)
///     json.key("tags"); json.beginArray(); json.value("a"); json.endArray()
///     json.endObject()
///     return json.finish()
///
/// One value at the root; unbalanced calls are a bug and trap in `finish()`.
public struct JSONWriter: ~Copyable {
    @usableFromInline var buffer: ByteBuffer
    @usableFromInline var needsComma = false
    @usableFromInline var depth = 0

    public init(capacity: Int = 512) {
        buffer = ByteBuffer(capacity: capacity)
    }

    /// Goes on behind what `buffer` holds.
    public init(appendingTo buffer: consuming ByteBuffer) {
        self.buffer = buffer
    }

    /// The text so far, in bytes.
    public var count: Int { buffer.count }

    /// The finished text.
    public consuming func finish() -> [UInt8] {
        precondition(depth == 0, "an object or array was left open")
        return buffer.bytes
    }

    /// The finished text in the buffer it was written to.
    public consuming func finishBuffer() -> ByteBuffer {
        precondition(depth == 0, "an object or array was left open")
        return buffer
    }

    /// The finished text; the writer is then empty and keeps its memory.
    public mutating func take() -> [UInt8] {
        precondition(depth == 0, "an object or array was left open")
        let bytes = buffer.bytes
        reset()
        return bytes
    }

    /// Calls `body` with the text so far.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try buffer.withUnsafeBytes(body)
    }

    /// Forgets everything, keeps the memory.
    public mutating func reset() {
        buffer.removeAll()
        needsComma = false
        depth = 0
    }

    @inlinable
    public mutating func beginObject() {
        separate()
        buffer.append(UInt8(ascii: "{"))
        needsComma = false
        depth &+= 1
    }

    @inlinable
    public mutating func endObject() {
        buffer.append(UInt8(ascii: "}"))
        needsComma = true
        depth &-= 1
    }

    @inlinable
    public mutating func beginArray() {
        separate()
        buffer.append(UInt8(ascii: "["))
        needsComma = false
        depth &+= 1
    }

    @inlinable
    public mutating func endArray() {
        buffer.append(UInt8(ascii: "]"))
        needsComma = true
        depth &-= 1
    }

    /// A key known at compile time. It needs no escapes: no quote, backslash or control character.
    @inlinable
    public mutating func key(_ name: StaticString) {
        let length = name.utf8CodeUnitCount
        buffer.reserve(length &+ 4)
        separate()
        buffer.append(UInt8(ascii: "\""))
        buffer.append(literal: name)
        buffer.append(UInt8(ascii: "\""))
        buffer.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Any key.
    @inlinable
    public mutating func key(dynamic name: String) {
        separate()
        buffer.appendJSONString(name)
        buffer.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Before a value or key: the comma, where one is due.
    @inlinable @inline(__always)
    mutating func separate() {
        if needsComma { buffer.append(UInt8(ascii: ",")) }
        needsComma = true
    }
}
