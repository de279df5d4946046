@testable import HTTP
import Testing

@Suite struct InputBufferTests {
    @Test("bytes come out as they went in, whatever is added, taken and enlarged in between", arguments: 0..<200)
    func order(seed: UInt64) throws {
        var random = XorShift(seed)
        let pieces = BufferPool(pieceBytes: 64, kept: 2), windows = BufferPool(pieceBytes: 256, kept: 2)
        var buffer = InputBuffer()
        var held: [UInt8] = []
        var next: UInt8 = 0
        for _ in 0..<500 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0..<4:
                let room = buffer.room(pieces, windows, wantsWindow: Bool.random(using: &random))
                #expect(room.isEmpty == (held.count == 256), "seed \(seed)")
                let count = Int.random(in: 0...room.count, using: &random)
                for index in 0..<count {
                    room[index] = next
                    held.append(next)
                    next &+= 1
                }
                buffer.added(count)
            case 4..<7:
                let count = Int.random(in: 0...held.count, using: &random)
                buffer.take(count)
                held.removeFirst(count)
            default:
                if Int.random(in: 0..<5, using: &random) == 0 {
                    buffer.giveBack()
                    held = []
                    #expect(pieces.borrowed + windows.borrowed == 0, "seed \(seed)")
                }
            }
            #expect(Array(buffer.unread) == held, "seed \(seed)")
            #expect(pieces.borrowed + windows.borrowed <= 1, "seed \(seed)")
        }
        buffer.giveBack()
        #expect(pieces.borrowed + windows.borrowed == 0, "seed \(seed)")
    }
}
