import Outbound
import TestSupport
import Testing

@Suite struct OutboundURLTests {
    @Test("an origin is read into its parts", arguments: [
        ("http://127.0.0.1:9000", false, "127.0.0.1", 9000, "/", "127.0.0.1:9000"),
        ("https://Store.Example/a/b?x=1", true, "store.example", 443, "/a/b?x=1", "store.example"),
        ("https://[::1]:8443/", true, "::1", 8443, "/", "[::1]:8443"),
        ("http://h:80?q", false, "h", 80, "/?q", "h"),
        ("http://h/a/../b//c", false, "h", 80, "/a/../b//c", "h"),
    ])
    func reads(text: String, secure: Bool, host: String, port: UInt16, target: String, authority: String) throws {
        let url = try OutboundURL(parsing: text)
        #expect(url.isSecure == secure && url.host == host && url.port == port && url.target == target)
        #expect(url.authority == authority)
    }

    @Test("what could mean another server than it seems is refused", arguments: [
        "", "ftp://h/", "HTTP://h/", "//h/", "http://", "http:///x", "http://user@h/", "http://user:secret@h/",
        "http://h:0/", "http://h:65536/", "http://h:+1/", "http://h:/", "http://h:1:2/", "http://h x/", "http://h/a b",
        "http://h/a\r\nX: y", "http://h/#f", "http://h\\@g/", "http://[::1/", "http://[::1]x/", "http://[g]/",
        "http://h/ü", "http://hü/", "file:///etc/passwd",
    ])
    func refuses(text: String) {
        #expect(throws: OutboundURL.ParseError.self) { try OutboundURL(parsing: text) }
    }

    @Test("loopback is told by the text of the host alone")
    func loopback() throws {
        for host in ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"] {
            #expect(try OutboundURL(parsing: "http://\(host)/").isLoopback)
        }
        for host in ["127.0.0.1.example", "127.0.1", "localhost.example", "10.0.0.1", "[::2]", "0.0.0.0", "127.0.0.256"] {
            #expect(try !OutboundURL(parsing: "http://\(host)/").isLoopback)
        }
    }

    @Test("descriptions leave the query out")
    func description() throws {
        #expect("\(try OutboundURL(parsing: "https://h/p?X-Amz-Signature=abc"))" == "https://h")
    }

    @Test("any bytes are read or refused, never worse", arguments: 0..<200)
    func arbitrary(seed: UInt64) {
        var random = SeededRandom(seed)
        let alphabet = Array("http://s[]:@/?#%.0189aé \u{0}\n\\")
        let text = "http://" + String((0..<Int.random(in: 0...20, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
        guard let url = try? OutboundURL(parsing: text) else { return }
        #expect((try? OutboundURL(parsing: url.origin + url.target)) == url, "seed \(seed): \(text)")
    }
}
