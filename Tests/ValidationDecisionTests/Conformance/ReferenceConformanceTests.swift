import Encoding
import Foundation
import TestSupport
import Testing

/// Section 5 of the reference: reference mode, its manifest and the directory store.
@Suite(.serialized) struct ReferenceConformanceTests {
    let target: Conformance

    /// Objects of this suite, by key in the bucket `conformance`.
    static let objects = [
        "snapshot": Array("the snapshot".utf8), "deep/er/wal.bin": Array("the wal".utf8), "empty": [],
    ]
    static let hash = Conformance.sha256(Array("the snapshot".utf8))
    static let walHash = Conformance.sha256(Array("the wal".utf8))
    static let walLines = "wal:\n  uri: s3://conformance/deep/er/wal.bin\n  sha256: '\(walHash)'\n"
    typealias Own = ReferenceConformanceTests

    init() async throws {
        target = try await Conformance.shared()
        for (key, content) in Own.objects { try target.service.putObject(content, bucket: "conformance", key: key) }
    }

    static func manifest(
        uri: String = "s3://conformance/snapshot", hash: String = hash, env: String = "prod", mode: String = "async",
        _ extra: String = ""
    ) -> String {
        "app_id: billing\nenv: \(env)\nsnapshot:\n  uri: '\(uri)'\n  sha256: '\(hash)'\nsync_mode: \(mode)\n\(extra)"
    }

    static func json(_ members: [String: String] = [:], without: String? = nil) -> String {
        var all = [
            "app_id": "\"billing\"", "env": "\"prod\"", "sync_mode": "\"sync\"",
            "snapshot": "{\"uri\": \"s3://conformance/snapshot\", \"sha256\": \"\(hash)\"}",
        ]
        all.merge(members) { $1 }
        if let without { all[without] = nil }
        return "{\(all.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", "))}"
    }

    // MARK: ALLOW and mismatch

    @Test(
        "objects that fit are ALLOW, with the hashes that were computed", arguments: ["prod", "staging"],
        ["sync", "async"])
    func allow(_ env: String, _ mode: String) async throws {
        let verdict = try await target.refer(Own.manifest(env: env, mode: mode))
        verdict.expect(200, [])
        #expect(verdict.hashes.keys == ["snapshot"])
        #expect(verdict.hashes["snapshot"]?.string == Own.hash)
        let both = try await target.refer(Own.manifest(env: env, mode: mode, Own.walLines))
        both.expect(200, [])
        #expect(both.hashes.keys.sorted() == ["snapshot", "wal"])
        #expect(both.hashes["wal"]?.string == Own.walHash)
        let empty = try await target.refer(Own.manifest(uri: "s3://conformance/empty", hash: Conformance.sha256([])))
        empty.expect(200, [])
    }

    @Test("the snapshot, the WAL or both have another hash")
    func mismatch() async throws {
        for other in [Conformance.sha256([]), String(repeating: "z", count: 64), "abc"] {
            let wal = "wal:\n  uri: s3://conformance/deep/er/wal.bin\n  sha256: '\(other)'\n"
            // What is no SHA-256 at all may be refused before anything is fetched.
            let exact = other.count == 64 && !other.hasPrefix("z")
            for (manifest, codes) in [
                (Own.manifest(hash: other), ["SNAPSHOT_HASH_MISMATCH"]), (Own.manifest(wal), ["WAL_HASH_MISMATCH"]),
                (Own.manifest(hash: other, wal), ["SNAPSHOT_HASH_MISMATCH", "WAL_HASH_MISMATCH"]),
            ] {
                let verdict = try await target.refer(manifest)
                guard exact else {
                    verdict.expectBlocked([200, 400], oneOf: Set(codes + ["INVALID_MANIFEST"]), other)
                    continue
                }
                verdict.expect(200, codes)
                #expect(verdict.hashes["snapshot"]?.string == Own.hash)
            }
        }
    }

    @Test(
        "an object that is not there",
        arguments: [
            "s3://conformance/none", "s3://none/snapshot", "s3://conformance/snapshot/x", "s3://conformance/deep",
            "s3://conformance/deep/er",
        ])
    func absent(_ uri: String) async throws {
        let verdict = try await target.refer(Own.manifest(uri: uri))
        verdict.expect(200, ["ARTIFACT_FETCH_FAILED"])
        #expect(verdict.hashes["snapshot"] == nil)
        let wal = try await target.refer(Own.manifest("wal:\n  uri: '\(uri)'\n  sha256: '\(Own.walHash)'\n"))
        wal.expect(200, ["ARTIFACT_FETCH_FAILED"])
        #expect(wal.hashes["wal"] == nil)
        let both = try await target.refer(
            Own.manifest(hash: Own.walHash, "wal:\n  uri: '\(uri)'\n  sha256: '\(Own.walHash)'\n"))
        #expect(both.codes.first == "ARTIFACT_FETCH_FAILED", "\(both.response.text)")
    }

    // MARK: Media types

    @Test(
        "JSON by its media type",
        arguments: [
            "application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8",
        ])
    func json(_ type: String) async throws {
        try await target.refer(Own.json(), type: type).expect(200, [])
        try await target.refer(Own.manifest(), type: type).expect(400, ["INVALID_MANIFEST"])
        try await target.refer(Own.json() + " # comment", type: type).expect(400, ["INVALID_MANIFEST"])
    }

    @Test(
        "everything else as YAML",
        arguments: [
            "application/yaml", "text/yaml", "application/x-www-form-urlencoded", "text/plain",
            "application/octet-stream", nil,
        ])
    func yaml(_ type: String?) async throws {
        try await target.refer(Own.manifest(), type: type).expect(200, [])
        try await target.refer(Own.json(), type: type).expect(200, [])
        try await target.refer("# comment\n" + Own.manifest(), type: type).expect(200, [])
    }

    // MARK: Malformed

    typealias Body = (text: [UInt8], type: String)

    private static func body(_ name: String, _ text: String, _ type: String) -> Row<Body> {
        Row(name, (Array(text.utf8), "application/\(type)"))
    }

    private static func body(_ name: String, _ text: [UInt8], _ type: String) -> Row<Body> {
        Row(name, (text, "application/\(type)"))
    }

    private static let spaces = String(repeating: " ", count: 1_048_577)
    private static let twice = "{\"uri\": \"s3://a/b\", \"uri\": \"s3://a/b\", \"sha256\": \"\(hash)\"}"
    private static let openChangeID: [UInt8] = Array(json().utf8.dropLast()) + Array(", \"change_id\": \"".utf8)

    static let unparseable: [Row<Body>] = [
        body("an empty JSON", "", "json"),
        body("cut JSON", String(json().dropLast()), "json"),
        body("JSON with a duplicate key", "\(json().dropLast()), \"env\": \"prod\"}", "json"),
        body("JSON with a duplicate key further in", json(["snapshot": twice]), "json"),
        body("deep JSON", String(repeating: "[", count: 100_000), "json"),
        body("large JSON", "\(json())\(spaces)", "json"),
        body("JSON twice", "\(json())\(json())", "json"),
        body("JSON in invalid UTF-8", openChangeID + [0xff, 0x22, 0x7d], "json"),
        body("JSON in UTF-16", json().utf8.flatMap { [$0, 0] }, "json"),
        body("an open quote", "app_id: \"x\n", "yaml"),
        body("a duplicate key", manifest("env: prod\n"), "yaml"),
        body("deep YAML", String(repeating: "[", count: 50_000), "yaml"),
        body("large YAML", manifest("#\(spaces)"), "yaml"),
        body("YAML in invalid UTF-8", Array(manifest().utf8) + [0x23, 0xff, 10], "yaml"),
        Row(
            "a multipart form",
            (
                Array("--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n".utf8),
                "multipart/form-data; boundary=x"
            )),
    ]

    @Test("a manifest that is not parseable", arguments: unparseable)
    func notParseable(_ row: Row<Body>) async throws {
        let verdict = try await target.send("POST", Page.reference, ["Content-Type": row.value.type], row.value.text)
        verdict.expect(400, ["INVALID_MANIFEST"])
    }

    @Test(
        "an empty body, and a manifest that is no mapping", arguments: ["", "[]", "\"x\"", "5", "null", "true"],
        ["application/json", "application/yaml"])
    func noMapping(_ text: String, _ type: String) async throws {
        try await target.refer(text, type: type).expect(400, ["INVALID_MANIFEST"])
    }

    @Test("a required field is missing", arguments: ["app_id", "env", "snapshot", "sync_mode"])
    func missing(_ field: String) async throws {
        let verdict = try await target.refer(Own.json(without: field), type: "application/json")
        verdict.expect(400, ["INVALID_MANIFEST"])
        #expect(verdict.message("INVALID_MANIFEST").contains(field))
    }

    @Test(
        "a field of the snapshot or the WAL is missing", arguments: ["snapshot", "wal"],
        ["{}", "{\"uri\": \"s3://conformance/snapshot\"}", "{\"sha256\": \"\(hash)\"}"])
    func missingWithin(_ field: String, _ value: String) async throws {
        try await target.refer(Own.json([field: value]), type: "application/json").expect(400, ["INVALID_MANIFEST"])
    }

    @Test(
        "a field has another type",
        arguments: ["app_id", "env", "sync_mode", "snapshot", "wal", "policy_version", "change_id"],
        ["5", "true", "[]", "[\"a\"]"])
    func mistyped(_ field: String, _ value: String) async throws {
        try await target.refer(Own.json([field: value]), type: "application/json").expect(400, ["INVALID_MANIFEST"])
    }

    @Test("a field within has another type", arguments: ["snapshot", "wal"], ["5", "null", "[]", "{}", "true"])
    func mistypedWithin(_ field: String, _ value: String) async throws {
        for within in [
            "{\"uri\": \(value), \"sha256\": \"\(hash)\"}",
            "{\"uri\": \"s3://conformance/snapshot\", \"sha256\": \(value)}",
        ] {
            try await target.refer(Own.json([field: within]), type: "application/json").expect(
                400, ["INVALID_MANIFEST"])
        }
        let text = try await target.refer(Own.json([field: "\"s3://conformance/snapshot\""]), type: "application/json")
        text.expect(400, ["INVALID_MANIFEST"])
    }

    private var hash: String { Own.hash }

    @Test("an unknown key, so that a misspelt wal skips no check")
    func unknownKey() async throws {
        for extra in [
            Own.walLines.replacing("wal:", with: "wall:"), Own.walLines.replacing("wal:", with: "WAL:"), "x: 1\n",
            Own.walLines + "  size: 5\n",
        ] {
            let verdict = try await target.refer(Own.manifest(extra))
            verdict.expectBlocked([200, 400], oneOf: ["INVALID_MANIFEST"], extra)
        }
        let within = "{\"uri\": \"s3://conformance/snapshot\", \"sha256\": \"\(Own.hash)\", \"endpoint\": \"x\"}"
        try await target.refer(Own.json(["snapshot": within]), type: "application/json").expectBlocked(
            [200, 400], oneOf: ["INVALID_MANIFEST"])
    }

    // MARK: Unsupported values

    @Test(
        "an env or sync_mode that is not supported has status 200", arguments: ["PROD", "dev", "production"],
        ["SYNC", "never"])
    func unsupported(_ env: String, _ mode: String) async throws {
        try await target.refer(Own.manifest(env: env)).expect(200, ["INVALID_MANIFEST"])
        try await target.refer(Own.manifest(mode: mode)).expect(200, ["INVALID_MANIFEST"])
        try await target.refer(Own.manifest(env: env, mode: mode)).expect(200, ["INVALID_MANIFEST"])
    }

    @Test(
        "a URI that is not s3://bucket/key has status 200",
        arguments: [
            "http://conformance/snapshot", "https://conformance.s3.amazonaws.com/snapshot", "s3://", "s3:///snapshot",
            "s3://conformance", "s3://conformance/",
            "s3:/conformance/snapshot", "s3:conformance/snapshot", "conformance/snapshot", "/conformance/snapshot",
            "file:///etc/hostname", "s3a://conformance/snapshot",
            " s3://conformance/snapshot", "s3://user@conformance/snapshot", "s3://user:word@conformance/snapshot",
            "s3://127.0.0.1:9000/conformance/snapshot",
            "s3://con formance/snapshot", "s3://conformance:80/snapshot", "ftp://conformance/snapshot",
            "s3://../conformance/snapshot", "s3://./snapshot",
        ])
    func badURI(_ uri: String) async throws {
        try await target.refer(Own.manifest(uri: uri)).expect(200, ["INVALID_MANIFEST"])
        let wal = "wal:\n  uri: '\(uri)'\n  sha256: '\(Own.walHash)'\n"
        try await target.refer(Own.manifest(wal)).expect(200, ["INVALID_MANIFEST"])
    }

    // MARK: Directory store

    @Test(
        "no key leads out of the bucket",
        arguments: [
            "../conformance/snapshot", "../../outside", "../outside", "deep/../../conformance/snapshot",
            "deep/../snapshot", "./snapshot", "deep//er/wal.bin", "%2e%2e/conformance/snapshot",
            "..%2fconformance/snapshot", "/snapshot", "deep/er/../../../conformance/snapshot",
            "..\\\\conformance\\\\snapshot",
        ])
    func escape(_ key: String) async throws {
        let outside = target.service.objectRoot.deletingLastPathComponent().appendingPathComponent("outside")
        try Data("the snapshot".utf8).write(to: outside)
        let verdict = try await target.refer(Own.manifest(uri: "s3://conformance/\(key)"))
        verdict.expectBlocked([200], oneOf: ["INVALID_MANIFEST", "ARTIFACT_FETCH_FAILED"])
        #expect(
            !verdict.response.text.contains(target.service.objectRoot.path),
            "a path of this machine: \(verdict.response.text)")
    }

    @Test("no symbolic link leads out of the root, be it the object, a directory or the bucket")
    func symbolicLinks() async throws {
        let files = FileManager.default
        let outside = files.temporaryDirectory.appendingPathComponent(
            "conformance-outside-\(UInt64.random(in: 0 ... .max))")
        try files.createDirectory(at: outside.appendingPathComponent("bucket"), withIntermediateDirectories: true)
        defer { try? files.removeItem(at: outside) }
        try Data("the snapshot".utf8).write(to: outside.appendingPathComponent("snapshot"))
        let root = target.service.objectRoot
        let links = [
            "conformance/link-to-file": outside.appendingPathComponent("snapshot"),
            "conformance/link-to-directory": outside, "link-to-bucket": outside,
        ]
        for (name, destination) in links {
            try? files.removeItem(at: root.appendingPathComponent(name))
            try files.createSymbolicLink(at: root.appendingPathComponent(name), withDestinationURL: destination)
        }
        for key in ["conformance/link-to-file", "conformance/link-to-directory/snapshot", "link-to-bucket/snapshot"] {
            try await target.refer(Own.manifest(uri: "s3://\(key)")).expect(200, ["ARTIFACT_FETCH_FAILED"], key)
        }
        for name in links.keys { try files.removeItem(at: root.appendingPathComponent(name)) }
    }

    @Test("what is no regular file is no object, and nobody waits for it")
    func noFile() async throws {
        let pipe = target.service.objectRoot.appendingPathComponent("conformance/pipe").path
        unlink(pipe)
        try #require(mkfifo(pipe, 0o644) == 0)
        defer { unlink(pipe) }
        try await target.refer(Own.manifest(uri: "s3://conformance/pipe")).expect(200, ["ARTIFACT_FETCH_FAILED"])
    }

    // MARK: Record

    @Test("change_id and policy_version are optional, and change_id is recorded")
    func changeID() async throws {
        let verdict = try await target.refer(Own.manifest("policy_version: '2026.01'\nchange_id: CHG-12345\n"))
        verdict.expect(200, [])
        let record = try #require(try await target.service.auditRecords("request_id=\(verdict.requestID)").first)
        #expect(record["change_id"]?.string == "CHG-12345")
        #expect(record["policy_version"]?.string?.isEmpty == false)
        let blocked = try await target.refer(Own.manifest(env: "dev", "change_id: CHG-9\n"))
        let other = try #require(try await target.service.auditRecords("request_id=\(blocked.requestID)").first)
        #expect(other["change_id"]?.string == "CHG-9")
    }
}
