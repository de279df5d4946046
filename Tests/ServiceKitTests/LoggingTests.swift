import EventLoop
import Foundation
import Testing
import TestSupport

@testable import ServiceKit

@Suite struct LoggingTests {
    /// A pipe whose reading end the test has.
    private final class Pipe {
        let readEnd: Int32
        let writeEnd: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            (readEnd, writeEnd) = (ends[0], ends[1])
            _ = fcntl(readEnd, F_SETFL, O_NONBLOCK)
        }

        deinit {
            close(readEnd)
            close(writeEnd)
        }

        /// What is there now.
        func read() -> String {
            var all: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = Foundation.read(readEnd, &piece, piece.count)
                guard count > 0 else { return String(decoding: all, as: UTF8.self) }
                all += piece[..<count]
            }
        }
    }

    private func logger(_ pipe: Pipe, _ format: LogFormat, level: LogLevel = .info, loops: LoopGroup? = nil) -> Logger {
        Logger(level: level, format: format, sink: LogSink(descriptor: pipe.writeEnd), loops: loops)
    }

    @Test("a JSON line is one object that any parser reads")
    func json() throws {
        let pipe = try Pipe()
        logger(pipe, .json).info("hel\"lo", .text("path", "a\\b\n\u{1b}[31m\u{85}\u{2028}ü"), .number("n", -7), .flag("ok", true),
            .milliseconds("took_ms", .microseconds(1234)))
        let text = pipe.read()
        #expect(text.filter { $0 == "\n" }.count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["message"] as? String == "hel\"lo")
        #expect(object["path"] as? String == "a\\b\n\u{1b}[31m\u{85}\u{2028}ü")
        #expect(object["n"] as? Int == -7)
        #expect(object["ok"] as? Bool == true)
        #expect(object["took_ms"] as? Double == 1.234)
        #expect(object["level"] as? String == "info")
        #expect(!text.contains("\u{1b}") && !text.contains("\u{85}") && !text.contains("\u{2028}"))
    }

    @Test("no value can begin a line of its own", arguments: 0..<200)
    func noForgery(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let alphabet: [Unicode.Scalar] = ["a", "\"", "\\", "\n", "\r", "\u{0}", "\u{7f}", "\u{9b}", "\u{2029}", "=", " ", "\u{202e}", "é"]
        var value = ""
        for _ in 0..<Int.random(in: 0...12, using: &random) { value.unicodeScalars.append(alphabet.randomElement(using: &random)!) }
        for format in LogFormat.allCases {
            let pipe = try Pipe()
            logger(pipe, format).info(value, .text("v", value))
            let text = pipe.read()
            #expect(text.last == "\n")
            let isForged = text.dropLast().unicodeScalars.contains {
                $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) || $0 == "\u{2029}" || $0 == "\u{202e}"
            }
            #expect(!isForged, "seed \(seed)")
            if format == .json {
                let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
                #expect(object?["v"] as? String == value, "seed \(seed)")
            }
        }
    }

    @Test("the text form quotes what would be taken for another field")
    func text() throws {
        let pipe = try Pipe()
        logger(pipe, .text).warn("slow down", .text("a", "plain"), .text("b", "x=1 y=2"), .text("c", ""))
        #expect(pipe.read().hasSuffix(" warn slow down a=plain b=\"x=1 y=2\" c=\"\"\n"))
    }

    @Test("lines below the level are not written")
    func level() throws {
        let pipe = try Pipe()
        let logger = logger(pipe, .text, level: .warn)
        logger.info("no")
        logger.error("yes")
        #expect(pipe.read().contains("yes"))
        #expect(!logger.isEnabled(.info))
    }

    @Test("the lines of one tick leave together")
    func batched() async throws {
        let pipe = try Pipe()
        let logger = logger(pipe, .text, loops: TestLoops.group)
        let written = try await TestLoops.run {
            for number in 0..<10 { logger.info("line", .number("n", number)) }
            let loop = try #require(Loop.current)
            // Asked for after the lines, so run after their flush.
            return await withUnsafeContinuation { continuation in
                loop.atEndOfTick { continuation.resume(returning: true) }
            }
        }
        #expect(written)
        #expect(pipe.read().split(separator: "\n").count == 10)
    }

    @Test("a reader that does not read stops nobody; what is dropped is counted and told later")
    func stalled() throws {
        let pipe = try Pipe()
        let logger = logger(pipe, .text)
        let long = String(repeating: "x", count: 1000)
        for _ in 0..<3000 { logger.info(long) }
        #expect(logger.sink.droppedLines > 0)
        let dropped = logger.sink.droppedLines
        var text = ""
        for _ in 0..<100 {
            let piece = pipe.read()
            text += piece
            _ = logger.sink.retry()
            if piece.isEmpty { break }
        }
        logger.info("after")
        text += pipe.read()
        let lines = text.split(separator: "\n")
        #expect(lines.count { $0.hasSuffix(long) } == 3000 - dropped)
        #expect(lines.contains { $0.contains("log lines dropped") && $0.contains("\(dropped)") })
        #expect(lines.last?.hasSuffix("after") == true)
        #expect(lines.allSatisfy { $0.hasSuffix(long) || $0.hasSuffix("after") || $0.contains("dropped") })
    }

    @Test("a reader that is gone is no failure")
    func readerGone() throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let logger = Logger(level: .info, format: .json, sink: LogSink(descriptor: ends[1]), loops: nil)
        close(ends[0])
        logger.info("nobody hears")
        logger.info("nor this")
        close(ends[1])
    }

    @Test("a socket takes lines without being switched to non-blocking")
    func socket() throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let logger = Logger(level: .info, format: .text, sink: LogSink(descriptor: ends[1]), loops: nil)
        for _ in 0..<5000 { logger.info(String(repeating: "y", count: 1000)) }
        #expect(logger.sink.droppedLines > 0)
        #expect(fcntl(ends[1], F_GETFL) & O_NONBLOCK == 0)
    }

    @Test("times are RFC 3339 with microseconds")
    func clock() {
        var clock = LogClock()
        var bytes: [UInt8] = []
        clock.append(second: 951_782_400, microsecond: 42, to: &bytes)
        clock.append(second: 951_782_400, microsecond: 999_999, to: &bytes)
        clock.append(second: 951_782_399, microsecond: 0, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "2000-02-29T00:00:00.000042Z2000-02-29T00:00:00.999999Z2000-02-28T23:59:59.000000Z")
    }
}
