import SiteControlDomain
import Testing

@Suite struct ValueTests {
    @Test("slugs are lower-case letters, digits and inner hyphens", arguments: ["a", "a1", "corner-bakery", "a--b", "0", String(repeating: "a", count: 63)])
    func slugs(_ text: String) { #expect(Slug(text)?.text == text) }

    @Test("anything else is no slug", arguments: ["", "-a", "a-", "-", "A", "a_b", "a.b", "ä", " a", "a\n", String(repeating: "a", count: 64)])
    func noSlugs(_ text: String) { #expect(Slug(text) == nil) }

    @Test("host names are trimmed, lower-cased and lose one final dot")
    func hostnames() {
        #expect(Hostname(" WWW.Example.COM. ")?.text == "www.example.com")
        #expect(Hostname("xn--bcher-kva.example")?.text == "xn--bcher-kva.example")
        let longest = Array(repeating: String(repeating: "a", count: 49), count: 5).joined(separator: ".") + ".ab"
        #expect(longest.utf8.count == 252 && Hostname(longest) != nil)
        #expect(Hostname(longest + "cd") == nil)
    }

    @Test(
        "what is no host name is refused",
        arguments: [
            "", ".", "localhost", "a..b", ".a.b", "a.b..", "*.example.com", "http://example.com", "example.com:80", "example.com/x",
            "192.0.2.1", "[::1]", "::1", "-a.example", "a-.example", "a_b.example", "a b.example", "bücher.example", "1.2",
            String(repeating: "a", count: 64) + ".example",
        ])
    func noHostnames(_ text: String) { #expect(Hostname(text) == nil) }

    @Test("a host name lies within itself and its parents, not beside")
    func within() throws {
        let parent = try #require(Hostname("sites.example.net"))
        #expect(try #require(Hostname("a.sites.example.net")).isWithin(parent))
        #expect(parent.isWithin(parent))
        #expect(try !#require(Hostname("xsites.example.net")).isWithin(parent))
        #expect(try !#require(Hostname("example.net")).isWithin(parent))
    }

    @Test("preview addresses follow from the environment's id")
    func previews() throws {
        let key = EnvironmentKey(environmentID: "0F9E8D7C-1B2A-4C3D-8E4F-5A6B7C8D9E0F")
        #expect(key.unixName == "wp_0f9e8d7c")
        #expect(PreviewURL(key, domain: try #require(Hostname("sites.example.net"))).text == "https://0f9e8d7c.sites.example.net")
        #expect(PreviewURL(key, node: try #require(IPv4Address("198.51.100.7"))).text == "http://0f9e8d7c.198-51-100-7.sslip.io")
    }

    @Test("only dotted decimals are IPv4 addresses", arguments: ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.x", "1.2.3.-4", "1.2.3.+4"])
    func addresses(_ text: String) { #expect(IPv4Address(text) == nil) }

    @Test("an archive's URL has an allowed scheme and a host, and is shown without what opens it")
    func archives() throws {
        let allowed = ["https", "s3"]
        let archive = try #require(ArchiveURL("https://user:pass@a.example:8443/b%20c.tar.gz?sig=1#x", schemes: allowed))
        #expect(archive.publicText == "https://a.example:8443/b%20c.tar.gz")
        #expect(ArchiveURL("HTTPS://a.example", schemes: allowed) != nil)
        #expect(ArchiveURL("s3://bucket/key.tar.gz", schemes: allowed)?.publicText == "s3://bucket/key.tar.gz")
        for text in ["", "http://a.example/b", "ftp://a.example", "https://", "https:///b", "https://a b", "https://a.example/%zz",
            "https://a.example:99999/", "https://:80/", "a.example/b", "https://a.example/\u{e4}", "https://u:p@/b"]
        {
            #expect(ArchiveURL(text, schemes: allowed) == nil, "\(text)")
        }
    }

    @Test("a source is never an option of a command line")
    func sources() {
        for text in ["git@git.example:shop.git", "https://git.example/shop.git#main", "s3://bucket/key.tar.gz"] {
            #expect(SourceReference(text)?.text == text)
        }
        for text in ["", "--upload-pack=x", "-", "https://git.example/shop.git#-x", "a\nb", "a\u{0}", String(repeating: "a", count: 2049)] {
            #expect(SourceReference(text) == nil, "\(text)")
        }
    }

    @Test("names have something to see")
    func names() {
        #expect(DisplayName("Corner Bakery ☕")?.text == "Corner Bakery ☕")
        for text in ["", " \t ", "\u{a0}", "a\u{0}", "a\u{7f}", String(repeating: "a", count: 201)] { #expect(DisplayName(text) == nil) }
        #expect(DisplayName(String(repeating: "ä", count: 200)) != nil)
    }

    @Test("a checksum is SHA-256 in lower-case digits, and an object has a size")
    func objects() {
        let checksum = "sha256:" + String(repeating: "0f", count: 32)
        #expect(StoredObject(checksum: checksum, sizeBytes: 1) != nil)
        #expect(StoredObject(checksum: checksum, sizeBytes: 0) == nil)
        #expect(StoredObject(checksum: checksum.uppercased(), sizeBytes: 1) == nil)
        #expect(StoredObject(checksum: String(checksum.dropLast()), sizeBytes: 1) == nil)
    }
}
