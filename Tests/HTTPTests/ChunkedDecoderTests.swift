@testable import HTTP
import TestSupport
import Testing

@Suite struct ChunkedDecoderTests {
    /// The body that pieces spell, how many bytes were left over, and whether it ended; or the error.
    private enum Outcome: Equatable {
        case body([UInt8], left: [UInt8], isFinished: Bool)
        case failed(BodyError)
    }

    private func decode(_ pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits()) -> Outcome {
        var decoder = BodyDecoder(.chunked, limits: limits)
        var body: [UInt8] = []
        var left: [UInt8] = []
        do throws(BodyError) {
            for piece in pieces {
                try piece.span.bytes.withUnsafeBytes { (piece: UnsafeRawBufferPointer) throws(BodyError) in
                    var input = piece
                    while let data = try decoder.decode(&input) {
                        #expect(!data.isEmpty)
                        body.append(contentsOf: data)
                    }
                    left.append(contentsOf: input)
                }
            }
        } catch {
            return .failed(error)
        }
        return .body(body, left: left, isFinished: decoder.isFinished)
    }

    private func decode(_ text: String, limits: HTTPLimits = HTTPLimits()) -> Outcome {
        decode([Array(text.utf8)], limits: limits)
    }

    @Test("chunks are joined, extensions and trailers thrown away, and the next request left alone", arguments: [
        "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        "05\r\nhello\r\n000006\r\n world\r\n000\r\n\r\n",
        "5;a=b\r\nhello\r\n6;x=\"y; z\"\r\n world\r\n0;last\r\n\r\n",
        "B\r\nhello world\r\n0\r\nX-Sum: 1\r\nContent-Length: 3\r\nEmpty:\r\n\r\n",
        "b\r\nhello world\r\n0\r\n\r\n",
    ])
    func goodBodies(text: String) {
        let expected = Outcome.body(Array("hello world".utf8), left: Array("GET".utf8), isFinished: true)
        #expect(decode(text + "GET") == expected)
        #expect(decode(Array((text + "GET").utf8).map { [$0] }) == expected)
    }

    @Test("a malformed body is refused", arguments: [
        "\r\n", "g\r\n", " 5\r\n", "5 \r\n", "5\t;a\r\n", "-5\r\n", "+5\r\n", "0x5\r\n", ";a\r\n", "5\n", "5\rx", "5;a\n",
        "5;a\u{0}\r\n", "5;\u{7f}\r\n", "5\r\nhello5\r\n", "5\r\nhello\n", "5\r\nhello\rx", "5\r\nhello\r\n\r\n",
        "0\r\n \r\n", "0\r\nA\r\n", "0\r\nA : b\r\n", "0\r\nA: b\n", "0\r\nA: \u{1}\r\n", "0\r\n: b\r\n", "0\r\n\rx", "0\r\n\n",
        "8000000000000000\r\n", "FFFFFFFFFFFFFFFF\r\n", "10000000000000005\r\n", "0000000000000005\r\n",
        "7FFFFFFFFFFFFFFF\r\n",
    ])
    func badBodies(text: String) {
        guard case .failed(.malformedChunk) = decode(text) else {
            Issue.record("accepted")
            return
        }
        #expect(decode(text) == decode(Array(text.utf8).map { [$0] }))
    }

    @Test("extensions and trailers are bounded")
    func bounds() {
        var limits = HTTPLimits()
        limits.chunkLineBytes = 32
        limits.chunkExtensionBytes = 64
        limits.trailerBytes = 32
        limits.trailerCount = 2
        func isRefused(_ text: String) -> Bool { if case .failed = decode(text, limits: limits) { true } else { false } }
        #expect(!isRefused("1;\(String(repeating: "a", count: 32))\r\nx\r\n"))
        #expect(isRefused("1;\(String(repeating: "a", count: 33))\r\nx\r\n"))
        #expect(!isRefused(String(repeating: "1;aaaaaaaa\r\nx\r\n", count: 8)))
        #expect(isRefused(String(repeating: "1;aaaaaaaa\r\nx\r\n", count: 9)))
        #expect(!isRefused("0\r\nA:\(String(repeating: "a", count: 26))\r\n\r\n"))
        #expect(isRefused("0\r\nA:\(String(repeating: "a", count: 27))\r\n\r\n"))
        #expect(!isRefused("0\r\nA:\r\nB:\r\n\r\n"))
        #expect(isRefused("0\r\nA:\r\nB:\r\nC:\r\n\r\n"))
    }

    @Test("a body decodes alike however its bytes are cut", arguments: 0..<200 as Range<UInt64>)
    func cutsDoNotMatter(seed: UInt64) {
        var random = SeededRandom(seed)
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let data = (0..<Int.random(in: 1...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            bytes += Array(String(data.count, radix: 16).utf8) + Array(random.pick(["", ";x", ";a=\"b\""]).utf8)
            bytes += [13, 10] + data + [13, 10]
        }
        bytes += Array("0\r\n\(random.pick(["", "A: b\r\n"]))\r\nnext".utf8)
        if Bool.random(using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        let whole = decode([bytes])
        for _ in 0..<10 { #expect(decode(random.pieces(of: bytes)) == whole, "seed \(seed)") }
    }

    @Test("a body of declared length ends with its last byte")
    func declaredLength() {
        var decoder = BodyDecoder(.length(5), limits: HTTPLimits())
        let bytes = Array("helloGET".utf8)
        bytes.withUnsafeBytes { all in
            var input = UnsafeRawBufferPointer(rebasing: all[..<3])
            #expect((try? decoder.decode(&input)).flatMap { $0 }.map(Array.init) == Array("hel".utf8))
            #expect(input.isEmpty && !decoder.isFinished)
            input = UnsafeRawBufferPointer(rebasing: all[3...])
            #expect((try? decoder.decode(&input)).flatMap { $0 }.map(Array.init) == Array("lo".utf8))
            #expect(input.count == 3 && decoder.isFinished)
            #expect((try? decoder.decode(&input)).flatMap { $0 } == nil)
        }
        #expect(BodyDecoder(.none, limits: HTTPLimits()).isFinished)
    }
}
