import Encoding
import EventLoop
import TestSupport
import Testing

/// Section 5 of the reference: fetching from an S3-compatible store that misbehaves.
@Suite(.serialized) struct FetchConformanceTests {
    let target: Conformance
    let store: S3Double

    /// A store, and a service that uses it, for all tests of this suite.
    struct Stage: Sendable {
        let store: S3Double
        let target: Conformance
    }

    static let stage: Task<Stage, any Error> = Task {
        let store = try await S3Double.start()
        return Stage(store: store, target: try await service(store.url))
    }

    /// A service on the shared database with the double as its store.
    static func service(_ endpoint: String, _ settings: [String: String] = [:]) async throws -> Conformance {
        let shared = try await Conformance.shared()
        var environment = shared.service.environment
        environment["TRIVET_DATABASE_OWNER_URL"] = nil
        environment["TRIVET_OBJECT_STORE_ROOT"] = nil
        environment.merge([
            "TRIVET_S3_ENDPOINT": endpoint, "TRIVET_S3_REGION": "us-east-1",
            "TRIVET_S3_ACCESS_KEY_ID": S3Double.accessKey,
            "TRIVET_S3_SECRET_ACCESS_KEY": S3Double.secretKey, "TRIVET_S3_BUCKETS": "artifacts,other-artifacts",
            "TRIVET_FETCH_CONNECT_TIMEOUT_MS": "2000", "TRIVET_FETCH_STALL_TIMEOUT_MS": "1000",
            "TRIVET_FETCH_DEADLINE_MS": "8000",
            "TRIVET_MAX_ARTIFACT_BYTES": "3000000",
        ]) { $1 }
        environment.merge(settings) { $1 }
        return shared.at(try await ServiceUnderTest.start(ValidationService.name, environment: environment))
    }

    init() async throws {
        let stage = try await FetchConformanceTests.stage.value
        (target, store) = (stage.target, stage.store)
    }

    private func manifest(_ snapshot: String, wal: String? = nil) async throws -> String {
        var text = ReferenceConformanceTests.manifest(uri: "s3://\(snapshot)", hash: try await store.sha256(snapshot))
        if let wal { text += "wal:\n  uri: s3://\(wal)\n  sha256: '\(try await store.sha256(wal))'\n" }
        return text
    }

    @Test("objects of many sizes are fetched and hashed", arguments: [0, 1, 65_536, 1_048_577, 3_000_000])
    func sizes(_ size: Int) async throws {
        let (snapshot, wal) = ("artifacts/generated/\(size)/s", "other-artifacts/generated/77/w")
        let verdict = try await target.refer(try await manifest(snapshot, wal: wal))
        verdict.expect(200, [])
        #expect(verdict.hashes["snapshot"]?.string == (try await store.sha256(snapshot)))
        #expect(verdict.hashes["wal"]?.string == (try await store.sha256(wal)))
    }

    @Test(
        "keys that need encoding are signed and fetched",
        arguments: ["a b", "a+b", "a&b=c", "\u{e9}", "a~b", "a,b;c", "a(b)", "100%25"])
    func keys(_ key: String) async throws {
        // The double computes the hash of a generated key from its last part; where the key needs escapes, only the size counts here.
        let verdict = try await target.refer(
            ReferenceConformanceTests.manifest(uri: "s3://artifacts/generated/0/\(key)", hash: Conformance.sha256([])))
        verdict.expect(200, [], key)
    }

    @Test("one byte over TRIVET_MAX_ARTIFACT_BYTES is a fetch failure, for the snapshot and for the WAL")
    func tooLarge() async throws {
        let large = "artifacts/generated/3000001/l"
        try await target.refer(try await manifest(large)).expect(200, ["ARTIFACT_FETCH_FAILED"])
        try await target.refer(try await manifest("artifacts/generated/10/a", wal: large)).expect(
            200, ["ARTIFACT_FETCH_FAILED"])
        for kind in ["no_length", "chunked"] {
            let key = "artifacts/generated/3000001/\(kind)"
            try await store.fault(key, kind)
            try await target.refer(try await manifest(key)).expect(200, ["ARTIFACT_FETCH_FAILED"], kind)
        }
    }

    /// Kind of fault, its fields.
    static let faults: [Row<String>] = [
        Row("status 404", #""status": 404"#), Row("status 403", #""status": 403"#),
        Row("status 500", #""status": 500"#), Row("status 503", #""status": 503"#),
        Row("status 201", #""status": 201"#), Row("status 206", #""status": 206"#),
        Row("status 204", #""status": 204"#), Row("status 400", #""status": 400"#),
        Row("missing", ""), Row("denied", ""), Row("short 0", #""after": 0"#), Row("short 1", #""after": 1"#),
        Row("short almost", #""after": 199999"#),
        Row("reset 0", #""after": 0"#), Row("reset later", #""after": 70000"#), Row("stall before", #""after": -1"#),
        Row("stall 0", #""after": 0"#),
        Row("stall later", #""after": 70000"#), Row("slow", #""piece": 2000, "pause_ms": 200"#),
        Row("length more", #""length": 200001"#),
        Row("chunked cut", #""after": 70000"#), Row("two_lengths", ""), Row("big_head", #""bytes": 2000000"#),
        Row("garbage", ""), Row("drop", ""),
    ]

    @Test("a fetch that fails", arguments: faults, ["snapshot", "wal"])
    func failing(_ row: Row<String>, _ artifact: String) async throws {
        let key = "artifacts/generated/200000/\(row.name.replacing(" ", with: "-"))-\(artifact)"
        // The manifest's hash is the right one: only the fetch can go wrong.
        let text =
            artifact == "snapshot" ? try await manifest(key) : try await manifest("artifacts/generated/5/ok", wal: key)
        try await store.fault(key, String(row.name.prefix { $0 != " " }), row.value)
        let verdict = try await target.refer(text)
        verdict.expect(200, ["ARTIFACT_FETCH_FAILED"])
        #expect(verdict.hashes[artifact] == nil)
    }

    @Test(
        "a page of a proxy, or a length that cuts the object short, is no ALLOW",
        arguments: [Row("html", ""), Row("length", #""length": 5"#)])
    func otherContent(_ row: Row<String>) async throws {
        let key = "artifacts/generated/2000/\(row.name)"
        let text = try await manifest(key)
        try await store.fault(key, row.name, row.value)
        // What is left on the connection may cost the service another fetch: not one of the other tests'.
        let target = try await FetchConformanceTests.service(store.url)
        try await target.refer(text).expectBlocked([200], oneOf: ["ARTIFACT_FETCH_FAILED", "SNAPSHOT_HASH_MISMATCH"])
        let next = try await manifest("artifacts/generated/10/next")
        try await Conformance.eventually("objects are fetched as before") {
            try await target.refer(next).decision == "ALLOW"
        }
    }

    @Test("an answer without content is no empty object")
    func noContent() async throws {
        let key = "artifacts/generated/10/no-content"
        try await store.fault(key, "status", #""status": 204"#)
        let verdict = try await target.refer(
            ReferenceConformanceTests.manifest(uri: "s3://\(key)", hash: Conformance.sha256([])))
        verdict.expect(200, ["ARTIFACT_FETCH_FAILED"])
    }

    @Test(
        "a store that answers oddly but well is understood",
        arguments: [Row("chunked", ""), Row("interim", #""count": 2"#), Row("drop_next", "")])
    func oddButWell(_ row: Row<String>) async throws {
        let key = "artifacts/generated/100000/\(row.name)"
        let text = try await manifest(key)
        try await store.fault(key, row.name, row.value)
        try await target.refer(text).expect(200, [])
    }

    @Test("redirects are not followed, neither to another host nor to the same")
    func redirects() async throws {
        let other = try await S3Double.start(["--anonymous"])
        for (name, origin) in [("other", other.url), ("same", store.url)] {
            let key = "artifacts/generated/2000/redirect-\(name)"
            let text = try await manifest(key)
            try await store.fault(
                key, "redirect", #""location": "\#(origin)/artifacts/generated/2000/redirect-\#(name)", "times": 1"#)
            try await target.refer(text).expect(200, ["ARTIFACT_FETCH_FAILED"], name)
        }
        let log = try JSONReader.parse(try await other.log())
        #expect(log["requests"]?.array?.isEmpty == true, "the other host was contacted")
        await other.stop()
    }

    @Test("a bucket beside the allowlist is not fetched from")
    func allowlist() async throws {
        for bucket in ["secret-artifacts", "artifact", "artifactss", "ARTIFACTS", "other"] {
            let text = ReferenceConformanceTests.manifest(
                uri: "s3://\(bucket)/generated/5/allowlist",
                hash: try await store.sha256("artifacts/generated/5/allowlist"))
            try await target.refer(text).expectBlocked(
                [200], oneOf: ["ARTIFACT_FETCH_FAILED", "INVALID_MANIFEST"], bucket)
            let wal =
                try await manifest("artifacts/generated/5/a")
                + "wal:\n  uri: s3://\(bucket)/generated/5/allowlist\n  sha256: '\(try await store.sha256("artifacts/generated/5/allowlist"))'\n"
            try await target.refer(wal).expectBlocked(
                [200], oneOf: ["ARTIFACT_FETCH_FAILED", "INVALID_MANIFEST"], bucket)
        }
        let requests = try JSONReader.parse(try await store.log())["requests"]?.array ?? []
        #expect(!requests.contains { $0["target"]?.string?.contains("allowlist") == true })
    }

    @Test("a host in the URI is never contacted")
    func hosts() async throws {
        let trap = try await S3Double.start(["--anonymous"])
        let hash = try await trap.sha256("x/generated/5/y")
        let authority = trap.address.description
        for uri in [
            "s3://\(authority)/x/generated/5/y", "s3://artifacts@\(authority)/generated/5/y",
            "http://\(authority)/x/generated/5/y", "s3://artifacts/../../\(authority)/x",
        ] {
            try await target.refer(ReferenceConformanceTests.manifest(uri: uri, hash: hash)).expectBlocked(
                [200], oneOf: ["INVALID_MANIFEST", "ARTIFACT_FETCH_FAILED"], uri)
        }
        #expect(try JSONReader.parse(try await trap.log())["requests"]?.array?.isEmpty == true)
        await trap.stop()
    }

    @Test("a store that is not there, or that does not know the keys, is a fetch failure")
    func noStore() async throws {
        let closed = try await FetchConformanceTests.service("http://127.0.0.1:\(try ServiceUnderTest.freePort())")
        let text = try await manifest("artifacts/generated/5/a")
        try await closed.refer(text).expect(200, ["ARTIFACT_FETCH_FAILED"])
        let stranger = try await FetchConformanceTests.service(store.url, ["TRIVET_S3_SECRET_ACCESS_KEY": "another"])
        let verdict = try await stranger.refer(text)
        verdict.expect(200, ["ARTIFACT_FETCH_FAILED"])
        #expect(!verdict.response.text.contains("another"))
    }
}
