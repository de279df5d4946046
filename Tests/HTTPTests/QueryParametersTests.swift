@testable import HTTP
import Testing

@Suite struct QueryParametersTests {
    @Test("a query is decoded once, in order, repetitions kept", arguments: [
        ("", []), ("a", ["a="]), ("a=", ["a="]), ("=b", ["=b"]), ("a=b=c", ["a=b=c"]), ("&&a=1&&b=2&", ["a=1", "b=2"]),
        ("a=1&a=2", ["a=1", "a=2"]), ("a+b=c+d", ["a b=c d"]), ("a%20b=%26%3D", ["a b=&="]), ("a=%2B", ["a=+"]),
        ("a=%2525", ["a=%25"]), ("%C3%A9=%e2%82%ac", ["é=€"]), ("a[]=b/c?d", ["a[]=b/c?d"]),
    ])
    func decoding(text: String, expected: [String]) throws {
        #expect(try QueryParameters(text).all.map { "\($0.name)=\($0.value)" } == expected)
    }

    @Test("a malformed query is refused", arguments: [
        ("a=%", PercentCodingError.malformed), ("a=%4", .malformed), ("%zz=1", .malformed), ("a=%00", .nul),
        ("a=%ff", .notUTF8), ("a=%ed%a0%80", .notUTF8), ("a=%f4%90%80%80", .notUTF8), ("ok=1&a=%+1", .malformed),
    ])
    func refusal(text: String, error: PercentCodingError) {
        #expect(throws: QueryError.badEncoding(error)) { try QueryParameters(text) }
    }

    @Test("a parameter that may occur once is refused when it occurs twice")
    func single() throws {
        let query = try QueryParameters("a=1&b=2&a=3")
        #expect(try query.single("b") == "2")
        #expect(try query.single("c") == nil)
        #expect(throws: QueryError.repeated("a")) { try query.single("a") }
        #expect(query["a"] == "1")
        #expect(query.values("a") == ["1", "3"])
        #expect(query.firstUnknown(besides: ["a"]) == "b")
        #expect(query.firstUnknown(besides: ["a", "b"]) == nil)
    }

    @Test("a request decodes its query when asked, and again for the next request")
    func fromRequest() throws {
        let request = try makeRequest("GET /?a=%C3%A9 HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try request.query["a"] == "é")
        #expect(try request.query["a"] == "é")
        let bad = try makeRequest("GET /?a=%zz HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(throws: QueryError.badEncoding(.malformed)) { try bad.query }
        #expect(try makeRequest("GET / HTTP/1.1\r\nHost: h\r\n\r\n").query.isEmpty)
    }

    @Test("what is encoded decodes to itself")
    func roundTrip() throws {
        let text = "a b/c?d=é€&%+~-._\u{1F600}"
        #expect(PercentCoding.encode("a b/é") == "a%20b%2F%C3%A9")
        #expect(try PercentCoding.decode(PercentCoding.encode(text)) == text)
    }
}

@Suite struct MediaTypeTests {
    @Test("media types are read with their parameters", arguments: [
        ("text/plain", "text/plain", []), ("TEXT/HTML; Charset=UTF-8", "text/html", ["charset=UTF-8"]),
        ("multipart/form-data ; boundary=\"a b\\\"c\" ;x=y;", "multipart/form-data", ["boundary=a b\"c", "x=y"]),
        ("a/b;;c=\"\"", "a/b", ["c="]),
    ])
    func reading(text: String, essence: String, parameters: [String]) throws {
        let type = try #require(MediaType(parsing: text))
        #expect(type.essence == essence)
        #expect(type.parameters.map { "\($0.name)=\($0.value)" } == parameters)
    }

    @Test("what is no media type is refused", arguments: [
        "", "text", "text/", "/plain", "text/plain x", "text/plain; a", "text/plain; a=", "text/plain; a =b", "text/plain; a= b",
        "text/plain; a=\"b", "text/plain; a=\"b\\", "text/plain; a=b; A=c", "text/plain; a=\"b\"c", "text/plain, text/html",
        "te xt/plain", "text/plain; a=\"b\u{1}\"",
    ])
    func refusal(text: String) {
        #expect(MediaType(parsing: text) == nil)
    }
}
