import Crypto
import Encoding
import EventLoop
import Locking
import ObjectStore
import Outbound
import TestSupport
import Testing

@Suite struct S3StoreTests {
    private func signedStore(buckets: [String]? = nil) async throws -> (S3Store, S3Double) {
        let double = try await S3Double.signed.value
        return (S3Store(configuration: try .test(double.url, buckets: buckets)), double)
    }

    @Test("a signed request is accepted for any key, written and read back", arguments: [
        "plain", "dir/sub/file.tar.gz", "ü€😀/a b+c", "a%2Fb", "x&y=z;'()!*~,:@$", "...", "a;b=c",
    ])
    func roundTrip(key: String) async throws {
        let (store, _) = try await signedStore()
        let location = try ObjectLocation(bucket: "bucket", key: "roundtrip/" + key)
        let bytes = Array("content of \(key)".utf8)
        try await TestLoops.run {
            try await store.put(location, .bytes(bytes))
            #expect(try await store.head(location) == Int64(bytes.count))
            #expect(try await store.open(location, upTo: 100).collect() == bytes)
            try await store.delete(location)
            try await store.delete(location)
            await #expect(throws: ObjectError.notFound) { _ = try await store.head(location) }
        }
    }

    @Test("a wrong secret, an unknown key, another region and a wrong clock are refused")
    func refused() async throws {
        let double = try await S3Double.signed.value
        let uri = "s3://bucket/generated/10"
        #expect(try await S3Store(configuration: try .test(double.url)).read(uri).count == 10)
        let wrong = S3Store(configuration: try .test(double.url, secret: "wrong"))
        #expect(try await wrong.read(uri).error == .denied("status 403"))
        let unknown = S3Store(configuration: try .test(double.url, accessKey: "SOMEBODY"))
        #expect(try await unknown.read(uri).error == .denied("status 403"))
        let elsewhere = S3Store(configuration: try .test(double.url, region: "eu-west-1"))
        #expect(try await elsewhere.read(uri).error == .unavailable("status 400"))
        let late = S3Store(configuration: try .test(double.url)) { Timestamp.now() - .seconds(3600) }
        #expect(try await late.read(uri).error == .denied("status 403"))
    }

    @Test("each way of not delivering an object is an error of its kind", arguments: [
        ("status", #""status": 500"#, ObjectError.unavailable("status 500")),
        ("status", #""status": 503"#, .unavailable("status 503")),
        ("status", #""status": 429"#, .unavailable("status 429")),
        ("redirect", #""location": "http://127.0.0.1:1/x""#, .unavailable("status 307")),
        ("denied", "", .denied("status 403")),
        ("missing", "", .notFound),
        ("html", "", .unavailable("a web page in place of an object")),
        ("short", #""after": 70000"#, .shortBody),
        ("short", #""after": 0"#, .shortBody),
        ("length", #""length": 300000"#, .shortBody),
        ("chunked", #""after": 70000"#, .shortBody),
        ("no_length", "", .unavailable("the answer does not say where its body ends")),
    ])
    func faults(kind: String, fields: String, expected: ObjectError) async throws {
        let (store, double) = try await signedStore()
        let key = "bucket/generated/200000/fault-\(kind)-\(fields.filter(\.isNumber))"
        try await double.fault(key, kind, fields)
        #expect(try await store.read("s3://\(key)").error == expected)
    }

    @Test("a lost connection and rubbish leave the store unavailable", arguments: [
        ("reset", #""after": 70000"#), ("drop", ""), ("garbage", ""), ("two_lengths", ""), ("big_head", #""bytes": 40000"#),
    ])
    func lost(kind: String, fields: String) async throws {
        let (store, double) = try await signedStore()
        let key = "bucket/generated/200000/lost-\(kind)"
        try await double.fault(key, kind, fields)
        let error = try await store.read("s3://\(key)").error
        guard case .unavailable? = error else { Issue.record("\(String(describing: error))"); return }
    }

    @Test("a Content-Length below the truth cannot pass for the whole object")
    func lengthTooSmall() async throws {
        let (store, double) = try await signedStore()
        try await double.fault("bucket/generated/200000/cut", "length", #""length": 100000"#)
        let reading = try await store.read("s3://bucket/generated/200000/cut")
        // HTTP ends the body there; that it is not the object is for the digest to say.
        #expect(reading.error == nil && reading.count == 100_000)
        #expect(try await double.sha256("bucket/generated/200000/cut") != reading.sha256)
    }

    @Test("chunked answers without a declared length are read whole")
    func chunked() async throws {
        let (store, double) = try await signedStore()
        let key = "bucket/generated/3000000/chunked"
        try await double.fault(key, "chunked")
        let reading = try await store.read("s3://\(key)")
        #expect(reading.error == nil && reading.length == nil && reading.count == 3_000_000)
        #expect(try await double.sha256(key) == reading.sha256)
        try await double.fault(key + "x", "chunked")
        #expect(try await store.read("s3://\(key)x", upTo: 2_999_999).error == .tooLarge(limit: 2_999_999))
    }

    @Test("silence is a stall, and slowness beyond the deadline is an end")
    func timeLimits() async throws {
        let double = try await S3Double.signed.value
        var configuration = try S3Configuration.test(double.url)
        configuration.stallTimeout = .milliseconds(300)
        let impatient = S3Store(configuration: configuration)
        try await double.fault("bucket/generated/200000/stall", "stall", #""after": 70000"#)
        #expect(try await impatient.read("s3://bucket/generated/200000/stall").error == .stalled)
        configuration = try .test(double.url)
        configuration.deadline = .milliseconds(400)
        let hurried = S3Store(configuration: configuration)
        try await double.fault("bucket/generated/200000/slow", "slow", #""pause_ms": 20, "piece": 100"#)
        #expect(try await hurried.read("s3://bucket/generated/200000/slow").error == .deadline)
    }

    @Test("an object beyond the limit is refused by its declared length; at the limit it is read")
    func limit() async throws {
        let (store, _) = try await signedStore()
        #expect(try await store.read("s3://bucket/generated/1000", upTo: 999).error == .tooLarge(limit: 999))
        #expect(try await store.read("s3://bucket/generated/1000", upTo: 1000).count == 1000)
        #expect(try await store.read("s3://bucket/generated/0", upTo: 0) == Reading(length: 0, sha256: SHA256.hash("").hex))
    }

    @Test("a bucket beyond the allowlist is refused before anything is sent")
    func allowlist() async throws {
        let store = S3Store(configuration: try .test("http://127.0.0.1:1", buckets: ["allowed"]))
        let error = try await store.read("s3://other/key").error
        #expect(error == .bucketNotAllowed("other"))
        let location = try ObjectLocation(parsing: "s3://other/key")
        #expect(try await store.failure { store throws(ObjectError) in try await store.put(location, .bytes([])) } == .bucketNotAllowed("other"))
        guard case .unavailable? = try await store.read("s3://allowed/key").error else { Issue.record("reached"); return }
        let (open, _) = try await signedStore(buckets: ["bucket"])
        #expect(try await open.read("s3://bucket/generated/5").count == 5)
    }

    @Test("a gigabyte and two more objects stream side by side in flat memory, each with its own digest")
    func large() async throws {
        let (store, double) = try await signedStore()
        let keys = ["bucket/generated/1073741824", "bucket/generated/100000000/wal", "bucket/generated/99999999/other"]
        let readings = try await TestLoops.run {
            try await withThrowingTaskGroup(of: (String, Reading).self) { group in
                for key in keys {
                    let location = try ObjectLocation(parsing: "s3://\(key)")
                    group.addTask { (key, await store.readHere(location)) }
                }
                return try await group.reduce(into: [String: Reading]()) { $0[$1.0] = $1.1 }
            }
        }
        for key in keys {
            #expect(readings[key]?.error == nil)
            #expect(readings[key]?.sha256 == (try await double.sha256(key)))
            #expect(readings[key]?.growth ?? .max < 150 << 20)
        }
    }

    @Test("a stream is stored whole, and one of another length than declared is not")
    func streamedPut() async throws {
        let (store, double) = try await signedStore()
        let location = try ObjectLocation(parsing: "s3://bucket/streamed/object")
        let left = Locked(20)
        try await TestLoops.run {
            try await store.put(
                location,
                .stream(length: 2_000_000) {
                    left.withLock { count in
                        count -= 1
                        return count >= 0 ? [UInt8](repeating: UInt8(count), count: 100_000) : nil
                    }
                })
        }
        #expect(try await store.read("s3://bucket/streamed/object").sha256 == (try await double.sha256("bucket/streamed/object")))
        let short = try ObjectLocation(parsing: "s3://bucket/streamed/short")
        let error = try await store.failure { store throws(ObjectError) in try await store.put(short, .stream(length: 5, next: { nil })) }
        guard case .uploadFailed? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(try await store.read("s3://bucket/streamed/short").error == .notFound)
    }

    @Test("cancelling the task ends a read")
    func cancellation() async throws {
        let (store, double) = try await signedStore()
        let key = "bucket/generated/200000/cancel"
        try await double.fault(key, "stall", #""after": 70000"#)
        let location = try ObjectLocation(parsing: "s3://\(key)")
        let result = Locked<Reading?>(nil)
        let task = TestLoops.group.loops[0].spawn {
            let reading = await store.readHere(location)
            result.withLock { $0 = reading }
        }
        while !String(decoding: try await double.log(), as: UTF8.self).contains(#""target": "/\#(key)"#) { await Task.yield() }
        task.cancel()
        await task.value
        #expect(result.withLock { $0 }?.error == .cancelled)
    }

    @Test("TLS is the rule: plain http beyond loopback must be chosen, and the certificate must be the authority's")
    func transport() async throws {
        let credentials = S3Credentials(accessKeyID: "a", secretAccessKey: "b")
        #expect(throws: S3Configuration.ParseError.self) {
            try S3Configuration(endpoint: "http://s3.example", region: "r", credentials: credentials)
        }
        #expect(throws: Never.self) {
            try S3Configuration(endpoint: "http://s3.example", region: "r", credentials: credentials, allowsPlainHTTP: true)
        }
        for bad in ["https://h/path", "https://h/?q", "h", "https://u@h"] {
            #expect(throws: S3Configuration.ParseError.self) {
                try S3Configuration(endpoint: bad, region: "r", credentials: credentials)
            }
        }
        let files = try await TestCertificate.make(names: "IP:127.0.0.1")
        let double = try await S3Double.start(["--tls-cert", files.certificate, "--tls-key", files.key])
        var configuration = try S3Configuration.test(double.url)
        guard case .unavailable(let detail)? = try await S3Store(configuration: configuration).read("s3://bucket/generated/5").error
        else { Issue.record("untrusted certificate accepted"); return }
        #expect(detail.hasPrefix("tls: "))
        configuration.authorityFile = files.certificate
        let reading = try await S3Store(configuration: configuration).read("s3://bucket/generated/20000000")
        #expect(reading.error == nil && reading.count == 20_000_000)
        await double.stop()
    }

    @Test("a presigned URL stores exactly the object it was made for")
    func presigned() async throws {
        let (store, double) = try await signedStore()
        let location = try ObjectLocation(parsing: "s3://bucket/presigned/ü object.tar")
        let bytes = Array("the artifact".utf8)
        let grant = try store.presignedPut(
            location, length: Int64(bytes.count), sha256: SHA256.hash(bytes), contentType: "application/x-tar", seconds: 60)
        let fields = Dictionary(uniqueKeysWithValues: grant.headers.map { ($0.name, $0.value) })
        let url = try OutboundURL(parsing: grant.url)
        let host = ["host": url.authority]
        // Fields that the test client would otherwise add by itself.
        let own = ["host": "Host", "content-length": "Content-Length"]
        func upload(_ fields: [String: String], _ body: [UInt8], target: String? = nil) async throws -> Int {
            try await TestClient.exchange(
                double.address, "PUT", target ?? url.target,
                fields: Dictionary(uniqueKeysWithValues: fields.map { (own[$0.key] ?? $0.key, $0.value) }), body: body
            ).status
        }
        let good = fields.merging(host) { $1 }
        #expect(try await upload(good.merging(["content-type": "text/html"]) { $1 }, bytes) == 403)
        #expect(try await upload(good.merging(["x-amz-checksum-sha256": Base64.encode(SHA256.hash("x").bytes)]) { $1 }, bytes) == 403)
        #expect(try await upload(good, Array("the artefact".utf8)) == 400)
        #expect(try await upload(good, bytes, target: url.target.replacing("presigned", with: "elsewhere")) == 403)
        #expect(try await upload(good, bytes, target: url.target.replacing("Expires=60", with: "Expires=61")) == 403)
        #expect(try await store.failure { store throws(ObjectError) in _ = try await store.head(location) } == .notFound)
        #expect(try await upload(good, bytes) == 200)
        #expect(try await store.read("\(location)").count == Int64(bytes.count))
        let expired = S3Store(configuration: try .test(double.url)) { Timestamp.now() - .seconds(120) }
        let old = try OutboundURL(
            parsing: try expired.presignedPut(
                location, length: Int64(bytes.count), sha256: SHA256.hash(bytes), contentType: "application/x-tar", seconds: 60
            ).url)
        #expect(try await upload(good, bytes, target: old.target) == 403)
    }

    @Test("a presigned URL whose beginning is given is the same each time, and counts from there")
    func presignedFrom() async throws {
        let (store, double) = try await signedStore()
        let location = try ObjectLocation(parsing: "s3://bucket/presigned/from.zip")
        let bytes = Array("the artifact".utf8)
        func grant(_ time: Timestamp) throws(ObjectError) -> PresignedPut {
            try store.presignedPut(
                location, length: Int64(bytes.count), sha256: SHA256.hash(bytes), contentType: "application/zip", seconds: 60, from: time)
        }
        let time = Timestamp.now() - .seconds(30)
        #expect(try grant(time) == grant(time))
        #expect(try grant(time) != grant(time + .seconds(1)))
        for (time, status) in [(time, 200), (time - .seconds(60), 403)] {
            let grant = try grant(time)
            let names = ["content-length": "Content-Length", "content-type": "Content-Type"]
            var fields = Dictionary(uniqueKeysWithValues: grant.headers.map { (names[$0.name] ?? $0.name, $0.value) })
            let url = try OutboundURL(parsing: grant.url)
            fields["Host"] = url.authority
            #expect(try await TestClient.exchange(double.address, "PUT", url.target, fields: fields, body: bytes).status == status)
        }
    }
}
