import Encoding
import EventLoop
import TestSupport
import Testing

/// Section 5 of the reference: upload mode.
@Suite(.serialized) struct ReplicationConformanceTests {
    let target: Conformance

    init() async throws { target = try await Conformance.shared() }

    static let snapshot = Array("a snapshot \u{0}\r\n\r\n--x\r\n".utf8) + (0...255).map { UInt8($0) }
    static let hash = Conformance.sha256(snapshot)

    static func manifest(_ text: String) -> FormPart { FormPart("replication_manifest", filename: "m.yaml", text) }
    static func snapshotPart(_ bytes: [UInt8] = snapshot) -> FormPart {
        FormPart(name: "snapshot", filename: "s.tar.gz", content: bytes)
    }
    static func wal(_ name: String, _ text: String) -> FormPart { FormPart("wal_files", filename: name, text) }
    static let goodManifest = manifest(Conformance.manifest(snapshotHash: hash))

    typealias Own = ReplicationConformanceTests

    @Test("the right hash is ALLOW, with the snapshot's hash")
    func allow() async throws {
        for mode in ["sync", "async", "'sync'", "\"async\""] {
            let verdict = try await target.replicate([
                Own.manifest(Conformance.manifest(snapshotHash: Own.hash, mode: mode)), Own.snapshotPart(),
            ])
            verdict.expect(200, [])
            #expect(verdict.hashes["snapshot"]?.string == Own.hash)
            #expect(verdict.hashes["config"] == nil && verdict.hashes["wal"] == nil)
            #expect(verdict.hashes["wal_files"]?.object?.isEmpty ?? true)
        }
    }

    @Test("WAL files are hashed under their names", arguments: 1...4)
    func walFiles(_ count: Int) async throws {
        let files = (0..<count).map { Own.wal("wal_\($0).bin", String(repeating: "\($0)\r\n", count: $0 * 1000)) }
        let verdict = try await target.replicate([Own.goodManifest, Own.snapshotPart()] + files)
        verdict.expect(200, [])
        let hashes = try #require(verdict.hashes["wal_files"]?.object)
        #expect(hashes.count == count)
        for file in files { #expect(hashes[file.filename ?? ""]?.string == Conformance.sha256(file.content)) }
    }

    @Test("parts may come in any order")
    func order() async throws {
        let parts = [Own.goodManifest, Own.snapshotPart(), Own.wal("a", "1"), Own.wal("b", "2")]
        for order in [[0, 1, 2, 3], [1, 0, 2, 3], [1, 2, 3, 0], [2, 1, 0, 3], [3, 2, 0, 1], [2, 0, 3, 1]] {
            let verdict = try await target.replicate(order.map { parts[$0] })
            verdict.expect(200, [], "\(order)")
            #expect(verdict.hashes["snapshot"]?.string == Own.hash)
            #expect(verdict.hashes["wal_files"]?.object?.count == 2)
        }
    }

    @Test("another hash is a mismatch, in whatever order the parts come")
    func mismatch() async throws {
        for other in [Conformance.sha256([]), "abc", String(Own.hash.dropLast()), String(repeating: "z", count: 64)] {
            let manifest = Own.manifest(Conformance.manifest(snapshotHash: other))
            for parts in [[manifest, Own.snapshotPart()], [Own.snapshotPart(), manifest]] {
                let verdict = try await target.replicate(parts)
                verdict.expect(200, ["SNAPSHOT_HASH_MISMATCH"])
                #expect(verdict.hashes["snapshot"]?.string == Own.hash)
            }
        }
    }

    @Test(
        "a plain scalar counts as its text: digits, exponents, booleans",
        arguments: [
            String(repeating: "1234567890123456", count: 4), "1e" + String(repeating: "5", count: 62),
            "0x" + String(repeating: "0", count: 62),
            String(repeating: "0", count: 64), "1e5", "12345", "0o17", ".inf", "true", "1.50",
        ])
    func plainScalars(_ scalar: String) async throws {
        let text = "source_db: \(scalar)\ntarget_db: 5\nexpected_snapshot_hash: \(scalar)\nsync_mode: async\n"
        try await target.replicate([Own.manifest(text), Own.snapshotPart()]).expect(200, ["SNAPSHOT_HASH_MISMATCH"])
        let names =
            "source_db: \(scalar)\ntarget_db: \(scalar)\nexpected_snapshot_hash: \(Own.hash)\nsync_mode: async\n"
        try await target.replicate([Own.manifest(names), Own.snapshotPart()]).expect(200, [])
    }

    @Test(
        "any other sync_mode is unsupported",
        arguments: ["SYNC", "Async", "semi-sync", "on", "true", "5", "'sync '", "asynchronous"])
    func syncMode(_ mode: String) async throws {
        let manifest = Own.manifest(Conformance.manifest(snapshotHash: Own.hash, mode: mode))
        let verdict = try await target.replicate([manifest, Own.snapshotPart()])
        verdict.expect(200, ["UNSUPPORTED_SYNC_MODE"])
        #expect(verdict.hashes["snapshot"]?.string == Own.hash)
    }

    @Test("both rules are evaluated")
    func both() async throws {
        let manifest = Own.manifest(Conformance.manifest(snapshotHash: "abc", mode: "never"))
        for parts in [[manifest, Own.snapshotPart()], [Own.snapshotPart(), manifest]] {
            try await target.replicate(parts).expect(200, ["SNAPSHOT_HASH_MISMATCH", "UNSUPPORTED_SYNC_MODE"])
        }
    }

    // MARK: Malformed

    static let fields = ["source_db", "target_db", "expected_snapshot_hash", "sync_mode"]

    static func manifest(_ field: String, _ value: String?) -> FormPart {
        var members = ["source_db": "a", "target_db": "b", "expected_snapshot_hash": "'\(hash)'", "sync_mode": "sync"]
        members[field] = value
        return manifest(members.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined())
    }

    @Test("a manifest's field is missing or no scalar", arguments: fields, [nil, "[]", "[a]", "{}", "{a: b}"])
    func badField(_ field: String, _ value: String?) async throws {
        for parts in [
            [Own.manifest(field, value), Own.snapshotPart()], [Own.snapshotPart(), Own.manifest(field, value)],
        ] {
            let verdict = try await target.replicate(parts)
            verdict.expect(400, ["SCHEMA_INVALID"])
            #expect(verdict.message("SCHEMA_INVALID").contains(field))
        }
    }

    @Test("a manifest that is no mapping", arguments: ["- a\n", "hello\n", "5\n"])
    func noMapping(_ text: String) async throws {
        try await target.replicate([Own.manifest(text), Own.snapshotPart()]).expect(400, ["SCHEMA_INVALID"])
    }

    private static let good = Conformance.manifest(snapshotHash: hash)

    private static func text(_ name: String, _ text: String) -> Row<[UInt8]> { Row(name, Array(text.utf8)) }

    private static func bytes(_ name: String, _ bytes: [UInt8]) -> Row<[UInt8]> { Row(name, bytes) }

    static let unparseable: [Row<[UInt8]>] = [
        text("an open quote", "source_db: \"a\n"), text("a duplicate key", "\(good)sync_mode: sync\n"),
        text("a tab", "source_db:\n\ta: b\n"), bytes("invalid UTF-8", Array(good.utf8) + [0x23, 0xff, 10]),
        bytes("UTF-16", [0xff, 0xfe] + good.utf8.flatMap { [$0, 0] }),
        text("too deep", "x: \(String(repeating: "[", count: 50_000))"),
        text("too large", "\(good)#\(String(repeating: "x", count: 1_048_576))"),
    ]

    @Test("a manifest that is not parseable", arguments: unparseable)
    func badManifest(_ row: Row<[UInt8]>) async throws {
        let manifest = FormPart(name: "replication_manifest", content: row.value)
        for parts in [[manifest, Own.snapshotPart()], [Own.snapshotPart(), manifest]] {
            try await target.replicate(parts).expect(400, ["PARSE_ERROR"])
        }
    }

    @Test("a required part is missing")
    func missingPart() async throws {
        let noSnapshot = try await target.replicate([Own.goodManifest, Own.wal("a", "1")])
        noSnapshot.expect(400, ["SCHEMA_INVALID"])
        #expect(noSnapshot.message("SCHEMA_INVALID").contains("snapshot"))
        let noManifest = try await target.replicate([Own.snapshotPart()])
        noManifest.expect(400, ["SCHEMA_INVALID"])
        #expect(noManifest.message("SCHEMA_INVALID").contains("replication_manifest"))
    }

    @Test("a repeated part is no ALLOW")
    func repeated() async throws {
        for parts in [
            [Own.goodManifest, Own.goodManifest, Own.snapshotPart()],
            [Own.goodManifest, Own.snapshotPart(), Own.snapshotPart()],
            [Own.goodManifest, Own.snapshotPart(), Own.snapshotPart([1])],
            [Own.goodManifest, Own.snapshotPart([1]), Own.snapshotPart()],
            [Own.manifest(Conformance.manifest(snapshotHash: "abc")), Own.goodManifest, Own.snapshotPart()],
        ] {
            try await target.replicate(parts).expectBlocked([400], oneOf: ["SCHEMA_INVALID", "PARSE_ERROR"])
        }
    }

    @Test("a form that is cut off, or none, is no ALLOW")
    func cutOff() async throws {
        let body = FormBody([Own.goodManifest, Own.snapshotPart()])
        for count in [0, 10, body.bytes.count / 2, body.bytes.count - FormBody.boundary.utf8.count - 6] {
            let verdict = try await target.send(
                "POST", Page.replication, ["Content-Type": body.contentType], Array(body.bytes.prefix(count)))
            verdict.expectBlocked([400], oneOf: ["PARSE_ERROR", "SCHEMA_INVALID"])
        }
        try await target.send("POST", Page.replication, ["Content-Type": "application/gzip"], Own.snapshot)
            .expectBlocked([400], oneOf: ["PARSE_ERROR", "SCHEMA_INVALID"])
    }

    // MARK: Sizes

    @Test("an empty snapshot and one of many megabytes are hashed alike")
    func snapshotSizes() async throws {
        var random = SeededRandom(4711)
        for count in [0, 1, 65_535, 65_536, 6_000_001] {
            let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let verdict = try await target.replicate([
                Own.snapshotPart(bytes), Own.manifest(Conformance.manifest(snapshotHash: Conformance.sha256(bytes))),
            ])
            verdict.expect(200, [], "\(count)")
        }
    }

    @Test(
        "a snapshot or WAL file over TRIVET_MAX_ARTIFACT_BYTES, or a WAL file over TRIVET_MAX_WAL_FILES, is PARSE_ERROR"
    )
    func limits() async throws {
        let process = try await target.service.startAnother([
            "TRIVET_MAX_ARTIFACT_BYTES": "5000", "TRIVET_MAX_WAL_FILES": "2",
        ])
        let tuned = target.at(process)
        let full = [UInt8](repeating: 7, count: 5000)
        let manifest = Own.manifest(Conformance.manifest(snapshotHash: Conformance.sha256(full)))
        let filled = FormPart(name: "wal_files", filename: "w", content: full)
        try await tuned.replicate([manifest, Own.snapshotPart(full), filled, Own.wal("v", "x")]).expect(200, [])
        try await tuned.replicate([manifest, Own.snapshotPart(full + [7])]).expect(400, ["PARSE_ERROR"])
        try await tuned.replicate([Own.snapshotPart(full + full), manifest]).expect(400, ["PARSE_ERROR"])
        try await tuned.replicate([
            manifest, Own.snapshotPart(full), FormPart(name: "wal_files", filename: "w", content: full + [7]),
        ])
        .expect(400, ["PARSE_ERROR"])
        try await tuned.replicate([
            manifest, Own.snapshotPart(full), Own.wal("a", "x"), Own.wal("b", "x"), Own.wal("c", "x"),
        ])
        .expectBlocked([400], oneOf: ["PARSE_ERROR", "SCHEMA_INVALID"])
        await process.end()
    }

    // MARK: Archives

    @Test("with TRIVET_VERIFY_ARCHIVES a snapshot must be a gzip stream of a tar")
    func archives() async throws {
        let process = try await target.service.startAnother(["TRIVET_VERIFY_ARCHIVES": "true"])
        let checking = target.at(process)
        let tar = ConformanceArchive.tar([
            "a.txt": Array("hello".utf8), "dir/b.bin": [UInt8](repeating: 3, count: 70_000),
        ])
        let good = ConformanceArchive.gzip(tar)
        var flipped = good
        flipped[good.count - 7] ^= 1
        var otherSum = tar
        otherSum[150] = otherSum[150] == 48 ? 49 : 48
        func judge(_ bytes: [UInt8], _ hash: String? = nil) async throws -> Verdict {
            try await checking.replicate([
                Own.snapshotPart(bytes),
                Own.manifest(Conformance.manifest(snapshotHash: hash ?? Conformance.sha256(bytes))),
            ])
        }
        try await judge(good).expect(200, [])
        try await judge(good, "abc").expect(200, ["SNAPSHOT_HASH_MISMATCH"])
        let bad: [Row<[UInt8]>] = [
            Row("nothing", []), Row("text", Array("hello".utf8)), Row("a bare tar", tar),
            Row("a cut gzip", Array(good.dropLast(9))),
            Row("a gzip without its end", Array(good.dropLast(4))), Row("another checksum", flipped),
            Row("a gzip of text", ConformanceArchive.gzip(Array("hello".utf8))),
            Row("a tar cut in a file", ConformanceArchive.gzip(Array(tar.prefix(2000)))),
            Row("a tar header with another sum", ConformanceArchive.gzip(otherSum)),
        ]
        for row in bad {
            try await judge(row.value).expectBlocked([200, 400], oneOf: ["PARSE_ERROR"], row.name)
            // Off by default: there the same bytes are fine.
            try await target.replicate([
                Own.snapshotPart(row.value),
                Own.manifest(Conformance.manifest(snapshotHash: Conformance.sha256(row.value))),
            ])
            .expect(200, [], row.name)
        }
        try target.service.putObject(good, bucket: "archives", key: "good")
        try target.service.putObject(tar, bucket: "archives", key: "bad")
        try await checking.refer(
            ReferenceConformanceTests.manifest(uri: "s3://archives/good", hash: Conformance.sha256(good))
        ).expect(200, [])
        try await checking.refer(
            ReferenceConformanceTests.manifest(uri: "s3://archives/bad", hash: Conformance.sha256(tar))
        )
        .expectBlocked([200, 400], oneOf: ["PARSE_ERROR"])
        await process.end()
    }
}
