import Compression
import Foundation
import Testing

@Suite struct GzipInflaterTests {
    /// Two members: "hello, " a thousand times, then "world".
    private static let packed = [UInt8](
        Data(
            base64Encoded:
                "H4sIAAAAAAACA+3FMQkAAAgAsCoGsJbgIdj/M4ENtmddM5vRkiRJkiRJkiRJkv4O3SZtOlgbAAAfiwgAAAAAAAIDK88vykkBAEMRdzoFAAAA"
        ) ?? Data())
    private static let plain = Array((String(repeating: "hello, ", count: 1000) + "world").utf8)

    /// All that comes out, however input and output are cut; nil where it breaks or does not end.
    private func inflate(_ packed: [UInt8], piece: Int, room: Int) -> [UInt8]? {
        let inflater = GzipInflater()
        var made: [UInt8] = []
        var isInside = false
        var output = [UInt8](repeating: 0, count: room)
        var start = 0
        while start < packed.count {
            let end = min(start + piece, packed.count)
            while start < end {
                if !isInside { _ = inflater.restart() }
                isInside = true
                let step = packed[start..<end].withUnsafeBytes { input in
                    output.withUnsafeMutableBytes { inflater.step(input, into: $0) }
                }
                made += output[..<step.produced]
                start += step.consumed
                switch step.state {
                case .open: if step.consumed == 0, step.produced == 0 { return nil }
                case .ended: isInside = false
                case .broken: return nil
                }
            }
        }
        return isInside ? nil : made
    }

    @Test("a file of several members comes out alike however it is cut", arguments: [(1, 1), (1, 4096), (7, 3), (65_536, 5), (65_536, 65_536)])
    func cuts(_ piece: Int, _ room: Int) {
        #expect(inflate(Self.packed, piece: piece, room: room) == Self.plain)
    }

    @Test("what is cut off, changed or no gzip at all does not pass")
    func damaged() {
        #expect(inflate(Array(Self.packed.dropLast()), piece: 100, room: 100) == nil)
        var changed = Self.packed
        changed[changed.count - 6] ^= 1
        #expect(inflate(changed, piece: 100, room: 100) == nil)
        #expect(inflate(Array("hello".utf8), piece: 100, room: 100) == nil)
    }
}
