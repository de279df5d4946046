import Crypto
import ValidationDecisionDomain

/// Takes an artifact's bytes as they stream by: hashes them, and looks into the archive where that is asked for. Keeps nothing.
final class ArtifactSink {
    private let hash = SHA256()
    private var checker: ArchiveChecker?
    private var problem: ArchiveProblem?
    private var sinceYield = 0
    private(set) var byteCount = 0

    /// Bytes after which other work of the loop gets its turn.
    private static let yieldBytes = 262_144

    init(checksArchive: Bool) {
        if checksArchive { checker = ArchiveChecker() }
    }

    func take(_ piece: UnsafeRawBufferPointer) async {
        byteCount += piece.count
        hash.update(piece)
        if let checker {
            do {
                try checker.feed(piece)
            } catch {
                problem = error
                self.checker = nil
            }
        }
        sinceYield += piece.count
        if sinceYield >= ArtifactSink.yieldBytes {
            sinceYield = 0
            await Task.yield()
        }
    }

    /// The digest of everything, and what is wrong with the archive.
    func finish() -> (digest: Digest32, archiveProblem: String?) {
        if let checker, problem == nil {
            do {
                try checker.finish()
            } catch {
                problem = error
            }
        }
        return (hash.finalize(), problem?.message)
    }
}
