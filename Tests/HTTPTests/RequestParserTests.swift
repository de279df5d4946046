@testable import HTTP
import TestSupport
import Testing

@Suite struct RequestParserTests {
    @Test("a request says what its bytes say")
    func wholeRequest() throws {
        let text = "POST /v1/sites/a%20b?x=1&y=2 HTTP/1.1\r\nHost: example.org:8080\r\nContent-Length: 12\r\n"
            + "X-Empty:\r\nX-Padded: \t two  words \t\r\nx-padded: third\r\n\r\nrest"
        let request = try #require(parseHead(text).request)
        #expect(request.method == .post)
        #expect(request.rawPath == "/v1/sites/a%20b")
        #expect(request.rawQuery == "x=1&y=2")
        #expect(request.host == "example.org:8080")
        #expect(request.framing == .length(12))
        #expect(request.keepsAlive)
        #expect(request.byteCount == text.utf8.count - 4)
        #expect(request.fields == [
            ["Host", "example.org:8080"], ["Content-Length", "12"], ["X-Empty", ""], ["X-Padded", "two  words"],
            ["x-padded", "third"],
        ])
    }

    @Test("fields are found in any case, repeated ones joined")
    func fieldLookup() throws {
        let request = try makeRequest("GET /a%2Bb HTTP/1.1\r\nhOsT: h\r\nAccept: a\r\nX: 1\r\naccept: b\r\n\r\n")
        #expect(request.path == "/a+b")
        #expect(request.header("HOST") == "h")
        #expect(request.header("accept") == "a, b")
        #expect(request.headers("ACCEPT") == ["a", "b"])
        #expect(request.header("x-missing") == nil)
        #expect(request.headerBytes("x").map(Array.init) == Array("1".utf8))
        #expect(request.headerBytes("accept") == nil)
        #expect(request.headerCount("Accept") == 2)
    }

    @Test("methods are told apart by every byte", arguments: [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GETS", "get", "POSTS", "TRACE", "P!",
    ])
    func methods(token: String) {
        #expect(parseHead("\(token) / HTTP/1.1\r\nHost: h\r\n\r\n").request?.method == HTTPMethod(token))
    }

    @Test("targets come in origin, absolute and asterisk form", arguments: [
        ("GET /a/b?c HTTP/1.1", "/a/b", "c", "h"),
        ("GET /a? HTTP/1.1", "/a", "", "h"),
        ("GET http://other:1/a?b HTTP/1.1", "/a", "b", "other:1"),
        ("GET HTTPS://other HTTP/1.1", "/", nil, "other"),
        ("GET http://other?q=/ HTTP/1.1", "/", "q=/", "other"),
        ("OPTIONS * HTTP/1.1", "*", nil, "h"),
        ("GET /a//b/...;x=@:!$&'()*+,=~ HTTP/1.1", "/a//b/...;x=@:!$&'()*+,=~", nil, "h"),
        ("GET /?a[]={b}|\"<>^` HTTP/1.1", "/", "a[]={b}|\"<>^`", "h"),
    ] as [(String, String, String?, String)])
    func targets(line: String, path: String, query: String?, host: String) throws {
        let request = try #require(parseHead("\(line)\r\nHost: h\r\n\r\n").request)
        #expect(request.rawPath == path)
        #expect(request.rawQuery == query)
        #expect(request.host == host)
    }

    @Test("connections persist as RFC 9112 section 9.3 says", arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: foo, CLOSE ,bar\r\n", false), ("HTTP/1.1", "Connection: keep-alive\r\n", true),
        ("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("HTTP/1.1", "Connection: closed\r\n", true), ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: Keep-Alive\r\n", true), ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
    ])
    func persistence(version: String, fields: String, keepsAlive: Bool) {
        #expect(parseHead("GET / \(version)\r\nHost: h\r\n\(fields)\r\n").request?.keepsAlive == keepsAlive)
    }

    @Test("a body is framed as RFC 9112 section 6.3 says", arguments: [
        ("", .none), ("Content-Length: 0\r\n", .none), ("Content-Length: 0005\r\n", .length(5)),
        ("content-length:9223372036854775807\r\n", .length(Int.max)), ("Transfer-Encoding: chunked\r\n", .chunked),
        ("transfer-encoding:\tCHUNKED \r\n", .chunked),
    ] as [(String, BodyFraming)])
    func framing(fields: String, framing: BodyFraming) {
        #expect(parseHead("POST / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n").request?.framing == framing)
    }

    @Test("100-continue counts for HTTP/1.1 with a body only")
    func expectation() {
        let tail = "Host: h\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n"
        #expect(parseHead("POST / HTTP/1.1\r\n\(tail)").request?.expectsContinue == true)
        #expect(parseHead("POST / HTTP/1.0\r\n\(tail)").request?.expectsContinue == false)
        #expect(parseHead("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n").request?.expectsContinue == false)
        #expect(parseHead("GET / HTTP/1.0\r\nExpect: magic\r\n\r\n").request != nil)
    }

    @Test("one empty line may precede a request, two may not")
    func emptyLine() {
        let text = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"
        guard case .request(_, let consumed) = parseHead(text) else {
            Issue.record("not parsed")
            return
        }
        #expect(consumed == text.utf8.count)
        #expect(parseHead("\r\n" + text).fault?.reason == .badMethod)
    }

    @Test("pipelined requests are taken one by one into the same object")
    func pipelining() throws {
        let first = "POST /1 HTTP/1.1\r\nHost: h\r\nA: 1\r\nContent-Length: 3\r\n\r\n"
        let second = "GET /2?q HTTP/1.1\r\nHost: i\r\n\r\n"
        var parser = RequestParser()
        let request = Request()
        var bytes = Array((first + second).utf8)
        let consumed = try bytes.withUnsafeBytes { try parser.parse($0, into: request) }
        #expect(consumed == first.utf8.count)
        #expect(request.header("a") == "1")
        bytes.removeFirst(consumed ?? 0)
        #expect(!parser.isMidHead)
        #expect(try bytes.withUnsafeBytes { try parser.parse($0, into: request) } == second.utf8.count)
        #expect(request.rawPath == "/2")
        #expect(request.header("a") == nil)
        #expect(request.head.framing == .none)
    }

    @Test("a request parses alike however its bytes are cut", arguments: 0..<300 as Range<UInt64>)
    func cutsDoNotMatter(seed: UInt64) {
        var random = SeededRandom(seed)
        let bytes = random.head()
        let whole = parseHead(bytes)
        for _ in 0..<10 {
            let cuts = random.cuts(of: bytes.count)
            #expect(parseHead(bytes, cuts: cuts) == whole, "seed \(seed), cuts \(cuts)")
        }
        #expect(parseHead(bytes, cuts: Array(0..<bytes.count)) == whole, "seed \(seed), byte by byte")
    }

    @Test("a head cut off anywhere is incomplete, never wrong", arguments: 0..<20 as Range<UInt64>)
    func truncation(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let bytes = random.goodHead()
        for count in 0..<bytes.count {
            #expect(parseHead(Array(bytes[..<count])) == .incomplete, "seed \(seed), \(count) bytes")
        }
        #expect(parseHead(bytes).request != nil, "seed \(seed)")
    }
}

extension SeededRandom {
    mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &self) ?? "" }

    /// A head that must parse.
    mutating func goodHead() -> [UInt8] {
        var text = pick(["GET", "POST", "PUT", "DELETE", "PATCH", "BREW"])
        text += " " + pick(["/", "/a/b", "/v1/sites/%C3%A9/x?q=%20", "http://h/x", "/a?b=c&d=e"]) + " HTTP/1.1\r\n"
        text += pick(["Host: h\r\n", "host:example.org:80\r\n", "HOST: [::1]:8080\r\n"])
        for index in 0..<Int.random(in: 0...30, using: &self) {
            text += "X-Field-\(index)\(pick([":", ": ", ":\t  "]))\(pick(["", "v", "a longer value", "\u{e9}\tx"]))\(pick(["", " "]))\r\n"
        }
        text += pick(["", "Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"])
        return Array((text + "\r\n").utf8)
    }

    /// A head, often damaged.
    mutating func head() -> [UInt8] {
        var bytes = goodHead()
        for _ in 0..<Int.random(in: 0...3, using: &self) where !bytes.isEmpty {
            let position = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<4, using: &self) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &self)
            case 1: bytes.remove(at: position)
            case 2: bytes.insert(Array("\r\n \t:%\0".utf8).randomElement(using: &self) ?? 0, at: position)
            default: bytes.append(contentsOf: Array("more".utf8))
            }
        }
        return bytes
    }
}
