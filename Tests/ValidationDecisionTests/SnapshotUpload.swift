import Crypto
import Encoding
import TestSupport

/// A replication with a large snapshot that is made up while it is sent; its manifest comes last and expects the right hash.
struct SnapshotUpload: Sendable {
    /// Of the snapshot.
    let byteCount: Int
    private let head: [UInt8]
    private let tail: [UInt8]

    private static let pieceBytes = 1 << 20
    private static let piece: [UInt8] = {
        var random = SeededRandom(4)
        return (0..<pieceBytes / 8).flatMap { _ in withUnsafeBytes(of: random.next().littleEndian) { Array($0) } }
    }()

    /// - Parameter byteCount: rounded down to whole mebibytes.
    init(token: String, byteCount: Int) {
        let count = byteCount / SnapshotUpload.pieceBytes
        self.byteCount = count * SnapshotUpload.pieceBytes
        let hash = SHA256()
        for _ in 0..<count { SnapshotUpload.piece.withUnsafeBytes { hash.update($0) } }
        let expected = Hex.encode(hash.finalize().bytes)
        let form = FormBody([
            FormPart("snapshot", filename: "snapshot.tar.gz", "@"),
            FormPart(
                "replication_manifest",
                "source_db: orders\ntarget_db: orders_copy\nexpected_snapshot_hash: \(expected)\nsync_mode: async\n"),
        ])
        // The part before and behind the place of the snapshot's bytes.
        let mark = form.bytes.firstIndex(of: UInt8(ascii: "@")) ?? 0
        tail = Array(form.bytes[(mark + 1)...])
        let fields = [
            "Authorization": "Bearer \(token)", "Content-Type": form.contentType,
            "Content-Length": "\(form.bytes.count - 1 + self.byteCount)",
        ]
        head = TestClient.encode("POST", "/api/v1/validate/replication", fields: fields) + form.bytes[..<mark]
    }

    /// Sends the snapshot's bytes from `start` to `end`, with what stands before the first and behind the last.
    func send(to client: TestClient, from start: Int = 0, until end: Int? = nil) async throws {
        let end = end ?? byteCount
        if start == 0 { try await client.send(head) }
        var position = start
        while position < end {
            let count = min(end - position, SnapshotUpload.pieceBytes)
            try await client.send(count == SnapshotUpload.pieceBytes ? SnapshotUpload.piece : Array(SnapshotUpload.piece[..<count]))
            position += count
        }
        if end == byteCount { try await client.send(tail) }
    }
}
