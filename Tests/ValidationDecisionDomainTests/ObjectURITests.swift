import Testing

@testable import ValidationDecisionDomain

@Suite struct ObjectURITests {
    @Test("s3://bucket/key is taken apart without decoding", arguments: [
        ("s3://b/k", "b", "k"), ("s3://mig-artifacts/billing/a.tar.gz", "mig-artifacts", "billing/a.tar.gz"),
        ("s3://a.b-1/%2e%2e/x?y#z", "a.b-1", "%2e%2e/x?y#z"), ("s3://b/...", "b", "..."), ("s3://b/é", "b", "é"),
        ("s3://b/a//c/", "b", "a//c/"),
    ])
    func accepted(text: String, bucket: String, key: String) {
        let uri = ObjectURI(text)
        #expect(uri?.bucket == bucket)
        #expect(uri?.key == key)
        #expect(uri?.description == text)
    }

    @Test("anything else is refused", arguments: [
        "", "s3://", "s3:///key", "s3://bucket", "s3://bucket/", "S3://bucket/key", "s3:/bucket/key", "http://bucket/key",
        "https://bucket.s3.amazonaws.com/key", "file:///etc/passwd", "/etc/passwd", " s3://bucket/key", "s3://Bucket/key",
        "s3://-b/key", "s3://b-/key", "s3://a..b/key", "s3://u:p@b/key", "s3://b:9000/key", "s3://b c/key",
        "s3://bucket/../other/key", "s3://bucket/a/../b", "s3://bucket/./a", "s3://bucket/..", "s3://bucket/a/.",
        "s3://bucket/a\nb", "s3://bucket/a\u{0}", "s3://bucket/../\u{301}x", "s3://b\u{e9}/key", "s3://b\u{301}/key",
        "s3://" + String(repeating: "b", count: 64) + "/k", "s3://b/" + String(repeating: "k", count: 1025),
    ])
    func refused(text: String) {
        #expect(ObjectURI(text) == nil)
    }
}

@Suite struct ContentDigestTests {
    @Test("a claim may be in either case with blanks around it")
    func claims() {
        let hex = String(repeating: "0a1B", count: 16)
        let digest = ContentDigest(claim: hex)
        #expect(digest?.hex == hex.lowercased())
        for claim in [hex, hex.uppercased(), hex.lowercased(), "  \(hex)\n"] {
            #expect(digest?.matches(claim: claim) == true)
        }
    }

    @Test("a text that is no SHA-256 matches nothing", arguments: [
        "", " ", "ab", String(repeating: "a", count: 63), String(repeating: "a", count: 65),
        String(repeating: "g", count: 64), "0x" + String(repeating: "a", count: 62),
        "sha256:" + String(repeating: "a", count: 64), String(repeating: "a", count: 32) + " " + String(repeating: "a", count: 32),
        String(repeating: "\u{FF41}", count: 64),
    ])
    func noClaims(claim: String) {
        #expect(ContentDigest(claim: claim) == nil)
        #expect(!Good.digest.matches(claim: claim))
    }

    @Test("a digest has 32 bytes")
    func bytes() {
        #expect(ContentDigest(bytes: (0..<32).map { UInt8($0) * 8 })?.hex.hasPrefix("0008101820") == true)
        #expect(ContentDigest(bytes: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(ContentDigest(bytes: [UInt8](repeating: 1, count: 33)) == nil)
    }
}
