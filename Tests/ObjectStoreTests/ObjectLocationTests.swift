import ObjectStore
import Testing

@Suite struct ObjectLocationTests {
    @Test("a location is a bucket and a key", arguments: [
        ("s3://bucket/key", "bucket", "key"), ("s3://a-b.c/x/y z/ü€.tar.gz", "a-b.c", "x/y z/ü€.tar.gz"),
        ("s3://bucket/%2e%2e/x", "bucket", "%2e%2e/x"), ("s3://bucket/...", "bucket", "..."),
        ("s3://bucket/a:b@c&d=e+f", "bucket", "a:b@c&d=e+f"),
    ])
    func reads(uri: String, bucket: String, key: String) throws {
        let location = try ObjectLocation(parsing: uri)
        #expect(location.bucket == bucket && location.key == key && "\(location)" == uri)
    }

    @Test("whatever could lead elsewhere is refused", arguments: [
        "", "s3:", "s3://", "s3:///key", "s3://bucket", "s3://bucket/", "S3://bucket/key", "s3:/bucket/key", "bucket/key",
        "http://bucket/key", "https://s3.example/bucket/key", "file:///etc/passwd", "s3://user@bucket/key",
        "s3://user:pw@bucket/key", "s3://bucket:9000/key", "s3://Bucket/key", "s3://bu/key", "s3://-ab/key", "s3://ab-/key",
        "s3://a..b/key", "s3://.abc/key", "s3://127.0.0.1/key", "s3://bücket/key", "s3://bucket/key?versionId=1",
        "s3://bucket/key#x", "s3://bucket/..", "s3://bucket/../other/key", "s3://bucket/a/../../b", "s3://bucket/./key",
        "s3://bucket/a//b", "s3://bucket//a", "s3://bucket/a/", "s3://bucket/a\\b", "s3://bucket/a\nb", "s3://bucket/a\u{0}b",
        "s3://bucket/a\u{7f}", "s3://bucket/a\u{85}b", "s3://[::1]/key", "s3://bucket%2fx/key", " s3://bucket/key",
        "s3://" + String(repeating: "b", count: 64) + "/key", "s3://bucket/" + String(repeating: "k", count: 1025),
        "s3://bucket/" + String(repeating: "ü", count: 513),
    ])
    func refuses(uri: String) {
        #expect {
            try ObjectLocation(parsing: uri)
        } throws: { error in
            if case ObjectError.invalidLocation = error { true } else { false }
        }
    }

    @Test("the longest bucket and key are taken")
    func bounds() throws {
        let bucket = String(repeating: "b", count: 63)
        let key = String(repeating: "k", count: 1024)
        #expect(try ObjectLocation(parsing: "s3://\(bucket)/\(key)").key.utf8.count == 1024)
        #expect(try ObjectLocation(bucket: "abc", key: "k?").key == "k?")
    }
}
