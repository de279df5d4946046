import Crypto
import Encoding
import TestSupport
import Testing

/// How many WAL files a replication may bring.
@Suite struct WALFilesTests {
    /// TRIVET_MAX_WAL_FILES where nothing is set.
    static let limit = 64

    @Test("as many WAL files as the limit says are hashed, each under its name")
    func upToTheLimit() async throws {
        let response = try await send(files: WALFilesTests.limit)
        #expect(response.status == 200, "\(response.text)")
        let result = try JSONReader.parse(response.body)
        #expect(result["decision"]?.string == "ALLOW")
        #expect(result["artifacts"]?["computed_hashes"]?["wal_files"]?.object?.count == WALFilesTests.limit)
    }

    @Test("one WAL file more than the limit is refused, and the answer says so")
    func pastTheLimit() async throws {
        let response = try await send(files: WALFilesTests.limit + 1)
        #expect(response.status == 400)
        let result = try JSONReader.parse(response.body)
        #expect(result["reasons"]?.array?.compactMap { $0["code"]?.string } == ["PARSE_ERROR"])
        #expect(response.text.contains("more than \(WALFilesTests.limit) wal_files"), "\(response.text)")
    }

    private func send(files: Int) async throws -> TestResponse {
        let snapshot = Array("snapshot".utf8)
        let manifest = """
            source_db: a
            target_db: b
            expected_snapshot_hash: \(SHA256.hash(snapshot).hex)
            sync_mode: sync
            """
        var parts = [
            FormPart("replication_manifest", manifest), FormPart(name: "snapshot", filename: "s", content: snapshot),
        ]
        for number in 0..<files { parts.append(FormPart("wal_files", filename: "segment-\(number)", "\(number)")) }
        return try await ValidationService.shared().post("/api/v1/validate/replication", parts)
    }
}
