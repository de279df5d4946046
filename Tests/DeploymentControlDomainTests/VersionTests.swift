import DeploymentControlDomain
import Testing

@Suite struct VersionTests {
    @Test("a version is the whole text, nothing around it", arguments: [
        ("1.4.0", true), ("0.0.0", true), ("1.0.0-rc.1", true), ("1.0.0-..", true), ("10.20.30-A-b.c", true),
        ("1.4.0\n", false), (" 1.4.0", false), ("1.4", false), ("1.4.0.1", false), ("v1.4.0", false), ("1.4.0-", false),
        ("1.4.0-a/b", false), ("1.4.0-ä", false), ("1..0", false), ("", false), ("٣.0.0", false), ("1.4.0+b", false),
    ])
    func form(_ text: String, isVersion: Bool) {
        #expect((Version(text) != nil) == isVersion)
    }

    @Test("a version has at most 128 characters")
    func length() {
        #expect(Version("1.0.0-" + String(repeating: "a", count: 122)) != nil)
        #expect(Version("1.0.0-" + String(repeating: "a", count: 123)) == nil)
    }

    @Test("versions are ordered by their numbers, with a suffix before without")
    func order() throws {
        let rising = [
            "0.9.10", "1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0-beta", "1.0.0",
            "1.0.1", "1.2.0", "1.10.0", "2.0.0", "18446744073709551616.0.0",
        ].compactMap { Version($0) }
        #expect(rising.count == 13)
        #expect(rising.shuffled().sorted() == rising)
    }
}
