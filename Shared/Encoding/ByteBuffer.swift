/// A growable run of bytes with one owner. Appending is a bounds check and a copy: no reference counting, no exclusivity
/// check. Kept in a connection and reset between messages, so that its memory is reused.
public struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var used: Int
    @usableFromInline var size: Int

    /// - Parameter capacity: bytes to have ready at once; at least 16 are taken.
    public init(capacity: Int = 512) {
        size = max(16, capacity)
        base = .allocate(capacity: size)
        used = 0
    }

    deinit { base.deallocate() }

    /// Bytes written so far.
    @inlinable public var count: Int { used }
    @inlinable public var isEmpty: Bool { used == 0 }
    /// Bytes that fit before memory is taken again.
    @inlinable public var capacity: Int { size }

    /// Makes room for `extra` more bytes.
    @inlinable @inline(__always)
    public mutating func reserve(_ extra: Int) {
        if extra > size &- used { grow(extra) }
    }

    @usableFromInline @inline(never)
    mutating func grow(_ extra: Int) {
        precondition(extra >= 0, "a negative reservation")
        let needed = used + extra  // traps past Int.max
        let (doubled, overflow) = size.multipliedReportingOverflow(by: 2)
        let wanted = overflow ? needed : max(doubled, needed)
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        fresh.update(from: base, count: used)
        base.deallocate()
        base = fresh
        size = wanted
    }

    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base[used] = byte
        used &+= 1
    }

    @inlinable @inline(__always)
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(base + used).copyMemory(from: source, byteCount: bytes.count)
        used &+= bytes.count
    }

    @inlinable
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    @inlinable
    public mutating func append(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// A literal: no `String` is made.
    @inlinable @inline(__always)
    public mutating func append(literal text: StaticString) {
        guard text.hasPointerRepresentation else { return append(String(describing: text)) }
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// The UTF-8 bytes of `text`.
    @inlinable
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Adds a copy of what `other` holds.
    public mutating func append(contentsOf other: borrowing ByteBuffer) {
        append(UnsafeRawBufferPointer(start: other.base, count: other.used))
    }

    /// Decimal digits, with a minus sign where needed.
    @inlinable
    public mutating func append(decimal value: some FixedWidthInteger & BinaryInteger) {
        precondition(MemoryLayout.size(ofValue: value) <= 8, "wider than 64 bits")
        if value < 0 {
            append(UInt8(ascii: "-"))
            append(digits: UInt64(value.magnitude))
        } else {
            append(digits: UInt64(value))
        }
    }

    @usableFromInline
    mutating func append(digits value: UInt64) {
        reserve(20)
        var length = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            length &+= 1
        }
        var index = used &+ length
        used = index
        rest = value
        repeat {
            index &-= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            base[index] = 48 &+ UInt8(truncatingIfNeeded: digit)
            rest = quotient
        } while rest > 0
    }

    /// Lower-case hexadecimal digits without leading zeros, as in a chunk size.
    public mutating func append(hexadecimal value: Int) {
        var shift = value == 0 ? 0 : (Int.bitWidth - 1 - UInt(bitPattern: value).leadingZeroBitCount) & ~3
        reserve(16)
        while shift >= 0 {
            append(Hex.digit(UInt8(truncatingIfNeeded: UInt(bitPattern: value) >> UInt(shift)) & 15))
            shift -= 4
        }
    }

    /// Room of exactly `count` bytes at the end, for `body` to fill; `body` returns how many it wrote.
    @inlinable
    public mutating func appendUninitialized<Failure: Error>(
        _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        reserve(count)
        let written = try body(UnsafeMutableRawBufferPointer(start: base + used, count: count))
        precondition(written >= 0 && written <= count, "wrote past the room given")
        used &+= written
    }

    /// What was written. The pointer is good for the length of the call.
    @inlinable
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: used))
    }

    /// A copy as an array.
    public var bytes: [UInt8] {
        copy(base, used)
    }

    /// Forgets the content, keeps the memory up to `keeping` bytes.
    public mutating func removeAll(keeping limit: Int = .max) {
        used = 0
        guard size > limit else { return }
        base.deallocate()
        size = max(16, limit)
        base = .allocate(capacity: size)
    }

    /// Drops the first `count` bytes and moves the rest to the front.
    public mutating func removeFirst(_ count: Int) {
        precondition(count >= 0 && count <= used, "more than there is")
        used &-= count
        UnsafeMutableRawPointer(base).copyMemory(from: base + count, byteCount: used)
    }

    /// Cuts back to the first `count` bytes.
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= used, "more than there is")
        used = count
    }
}

/// The memory has one owner and moves with the value; nothing else points to it.
extension ByteBuffer: @unchecked Sendable {}

private func copy(_ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { target, written in
        if let start = target.baseAddress, count > 0 { start.update(from: base, count: count) }
        written = count
    }
}
