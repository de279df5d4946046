import Testing

@testable import Outbound

@Suite struct ResponseHeadCollectorTests {
    private func feed(_ lines: [String], limit: Int = 1000, isHead: Bool = false) -> [ResponseHeadCollector.Step] {
        var collector = ResponseHeadCollector(limit: limit, isHead: isHead)
        return lines.map { line in
            Array(line.utf8).withUnsafeBytes { collector.add($0) }
        }
    }

    @Test("informational heads are passed over and trailers dropped")
    func interimAndTrailers() throws {
        let steps = feed([
            "HTTP/1.1 103 Early Hints\r\n", "Link: x\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: 5 \r\n",
            "ETag:\"a\"\r\n", "\r\n", "Trailer: t\r\n", "\r\n",
        ])
        let expected = OutboundResponseHead(
            status: 200, headers: OutboundHeaders([OutboundHeader("Content-Length", "5"), OutboundHeader("ETag", "\"a\"")]),
            declaredLength: 5)
        #expect(steps[6] == .complete(expected))
        #expect(steps.enumerated().allSatisfy { $0.offset == 6 || $0.element == .more })
        #expect(expected.headers.first("etag") == "\"a\"" && expected.headers.first("absent") == nil)
    }

    @Test("lengths that contradict each other are an error", arguments: [
        ["Content-Length: 5", "Content-Length: 6"], ["Content-Length: 5, 6"], ["Content-Length: -1"], ["Content-Length: +5"],
        ["Content-Length: 99999999999999999999"], ["Content-Length: "], ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ])
    func contradictions(fields: [String]) throws {
        let steps = feed(["HTTP/1.1 200 OK\r\n"] + fields.map { $0 + "\r\n" } + ["\r\n"])
        let last = try #require(steps.last)
        if fields == ["Content-Length: "] {
            // No value at all: the body ends with the connection.
            guard case .complete(let head) = last else { return }
            #expect(head.declaredLength == nil)
        } else {
            guard case .failed(.malformedResponse, _) = last else { Issue.record("\(last)"); return }
        }
    }

    @Test("equal repeated lengths are one")
    func equalLengths() {
        let steps = feed(["HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\n", "Content-Length: 5\r\n", "\r\n"])
        guard case .complete(let head)? = steps.last else { Issue.record("\(steps)"); return }
        #expect(head.declaredLength == 5 && head.isDelimited)
    }

    @Test("a head beyond the limit is an error, however many heads it is spread over")
    func limit() {
        let lines = (0..<100).flatMap { _ in ["HTTP/1.1 103 Early Hints\r\n", "\r\n"] }
        #expect(feed(lines, limit: 1000).contains { if case .failed(.headTooLarge, _) = $0 { true } else { false } })
    }

    @Test("a body without length or chunks is marked as undelimited; 204 has none")
    func delimiting() {
        guard case .complete(let open)? = feed(["HTTP/1.0 200 OK\r\n", "\r\n"]).last,
            case .complete(let none)? = feed(["HTTP/1.1 204 No Content\r\n", "\r\n"]).last
        else { Issue.record("incomplete"); return }
        #expect(!open.isDelimited && none.isDelimited && none.declaredLength == 0)
    }

    @Test("a status line without a status is an error", arguments: ["HTTP/1.1\r\n", "HTTP/1.1 abc\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 099 x\r\n"])
    func statusLine(line: String) {
        guard case .failed(.malformedResponse, _)? = feed([line]).last else { Issue.record("taken"); return }
    }
}
