import Encoding
import TestSupport
import Testing

@Suite struct ByteBufferTests {
    private func text(_ buffer: borrowing ByteBuffer) -> String { String(decoding: buffer.bytes, as: UTF8.self) }

    @Test("whatever is appended comes out in order")
    func order() {
        var buffer = ByteBuffer(capacity: 0)
        buffer.append(literal: "HTTP/1.1 ")
        buffer.append(decimal: 200)
        buffer.append(UInt8(ascii: " "))
        buffer.append("é")
        buffer.append([0x21, 0x22])
        buffer.append([0x30, 0x31, 0x32][1...])
        buffer.append(hexadecimal: 0)
        buffer.append(hexadecimal: 0x1A2B)
        buffer.append(decimal: -7)
        buffer.append(decimal: UInt8(255))
        [UInt8]([1, 0xFE]).withUnsafeBytes { buffer.append(hex: $0) }
        #expect(text(buffer) == "HTTP/1.1 200 é!\"1201a2b-725501fe")
        var other = ByteBuffer()
        other.append(literal: "x")
        other.append(contentsOf: buffer)
        #expect(other.count == buffer.count + 1)
    }

    @Test("random appends equal those to an array", arguments: 0..<50 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SeededRandom(seed)
        var buffer = ByteBuffer(capacity: Int.random(in: 0...64, using: &random))
        var model: [UInt8] = []
        for _ in 0..<200 {
            switch Int.random(in: 0...6, using: &random) {
            case 0, 1, 2:
                let bytes = random.bytes(Int.random(in: 0...100, using: &random))
                buffer.append(bytes)
                model += bytes
            case 3:
                let value = Int64(bitPattern: random.next())
                buffer.append(decimal: value)
                model += String(value).utf8
            case 4:
                let count = Int.random(in: 0...model.count, using: &random)
                buffer.removeFirst(count)
                model.removeFirst(count)
            case 5:
                let count = Int.random(in: 0...model.count, using: &random)
                buffer.truncate(to: count)
                model.removeLast(model.count - count)
            default:
                let value = Int(truncatingIfNeeded: random.next() >> UInt64.random(in: 0...63, using: &random))
                buffer.append(hexadecimal: value)
                model += String(UInt(bitPattern: value), radix: 16).utf8
            }
            #expect(buffer.withUnsafeBytes { $0.elementsEqual(model) }, "seed \(seed)")
        }
    }

    @Test("an emptied buffer keeps memory up to what is asked")
    func emptied() {
        var buffer = ByteBuffer(capacity: 100)
        buffer.append([UInt8](repeating: 1, count: 10_000))
        buffer.removeAll()
        #expect(buffer.capacity >= 10_000 && buffer.isEmpty)
        buffer.removeAll(keeping: 1000)
        #expect(buffer.capacity == 1000)
        buffer.append([2])
        #expect(buffer.bytes == [2])
    }

    @Test("numbers are written to the ends of their range")
    func numbers() {
        var buffer = ByteBuffer()
        buffer.append(decimal: Int64.min)
        buffer.append(UInt8(ascii: " "))
        buffer.append(decimal: UInt64.max)
        buffer.append(UInt8(ascii: " "))
        buffer.append(hexadecimal: -1)
        #expect(text(buffer) == "\(Int64.min) \(UInt64.max) ffffffffffffffff")
    }
}
