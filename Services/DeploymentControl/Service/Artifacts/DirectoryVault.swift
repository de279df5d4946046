import DeploymentControlDomain
import EventLoop
import HTTP
import ObjectStore

/// Artifacts in a directory of this machine. Handles are `artifact://{service}/{version}/{sha256}.{extension}`.
final class DirectoryVault: ReceivingVault {
    /// Bytes that are gathered before they are written, or read at once.
    static let pieceBytes = 262_144
    private static let scheme = "artifact://"

    private let directory: ArtifactDirectory
    private let pool: BlockingPool

    /// - Throws: `.unavailable` where the root is no directory that can be written.
    init(root: String, pool: BlockingPool) throws(ObjectError) {
        directory = try ArtifactDirectory(root)
        self.pool = pool
    }

    func reference(to path: ArtifactPath) -> String { Self.scheme + path.text }

    func path(of reference: String) -> ArtifactPath? {
        guard reference.hasPrefix(Self.scheme) else { return nil }
        return ArtifactPath(String(reference.dropFirst(Self.scheme.count)))
    }

    func receive(_ body: RequestBody, _ artifact: ExpectedArtifact) async throws(VaultError) {
        let upload = Upload(artifact, file: try await onPool { [directory] in try directory.begin() })
        var isComplete = false
        while !isComplete {
            let piece: UnsafeRawBufferPointer?
            do throws(BodyError) {
                piece = try await body.next()
            } catch {
                throw .body(error)
            }
            guard var rest = piece else {
                isComplete = true
                continue
            }
            while !rest.isEmpty {
                rest = upload.gather(rest)
                if upload.isFull { try await onPool { try upload.flush() } }
            }
        }
        try await onPool { [directory] in
            try upload.flush()
            try upload.commit(in: directory)
        }
    }

    func verify(_ artifact: ExpectedArtifact) async throws(VaultError) {
        try await onPool { [directory] in
            let file: Descriptor
            let size: Int64
            do throws(ObjectError) {
                (file, size) = try directory.open(artifact.path)
            } catch {
                throw error == .notFound ? ArtifactProblem.notUploaded : error
            }
            guard size == artifact.sizeBytes else { throw ArtifactProblem.sizeMismatch }
            try measure(file, artifact)
        }
    }

    func remove(_ path: ArtifactPath) async throws(VaultError) {
        try await onPool { [directory] in try directory.remove(path) }
    }

    func sweep() async throws(VaultError) -> Int { try await onPool { [directory] in try directory.sweep() } }

    private func onPool<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws(VaultError) -> T {
        do {
            return try await pool.run(work)
        } catch let problem as ArtifactProblem {
            throw .artifact(problem)
        } catch let error as ObjectError {
            throw .unavailable(reason: error.description)
        } catch is CancellationError {
            throw .body(.closed)
        } catch {
            throw .unavailable(reason: "too much blocking work is waiting")
        }
    }
}

/// One artifact on its way into the directory.
private final class Upload: @unchecked Sendable {
    // @unchecked: the loop gathers and the pool writes in turns, each awaited before the other goes on.
    private let artifact: ExpectedArtifact
    private let file: IncomingFile
    private let meter: ArtifactMeter
    private let memory: UnsafeMutableRawBufferPointer
    private var gathered = 0

    init(_ artifact: ExpectedArtifact, file: IncomingFile) {
        self.artifact = artifact
        self.file = file
        meter = ArtifactMeter(artifact)
        memory = .allocate(byteCount: DirectoryVault.pieceBytes, alignment: 4096)
    }

    deinit { memory.deallocate() }

    var isFull: Bool { gathered == memory.count }

    /// Takes what fits and returns the rest.
    func gather(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let count = min(bytes.count, memory.count - gathered)
        UnsafeMutableRawBufferPointer(rebasing: memory[gathered...]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        gathered += count
        return UnsafeRawBufferPointer(rebasing: bytes[count...])
    }

    /// Measures and writes what was gathered. Blocks.
    func flush() throws {
        let bytes = UnsafeRawBufferPointer(rebasing: memory[..<gathered])
        gathered = 0
        try meter.feed(bytes)
        try file.append(bytes)
    }

    /// Blocks.
    func commit(in directory: ArtifactDirectory) throws {
        try meter.finish()
        let parent = try directory.parent(of: artifact.path, creating: true)
        try file.commit(as: artifact.path.fileName, in: parent) { [artifact] present throws(ObjectError) in
            do {
                try measure(present, artifact)
                return true
            } catch let error as ObjectError {
                throw error
            } catch {
                return false
            }
        }
    }
}

/// Reads a file from end to end. Blocks.
/// - Throws: `ArtifactProblem` for what it is not, or `ObjectError`.
private func measure(_ file: Descriptor, _ artifact: ExpectedArtifact) throws {
    let meter = ArtifactMeter(artifact)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: DirectoryVault.pieceBytes, alignment: 4096)
    defer { memory.deallocate() }
    var offset: Int64 = 0
    while case let count = try file.read(into: memory, at: offset), count > 0 {
        try meter.feed(UnsafeRawBufferPointer(rebasing: memory[..<count]))
        offset += Int64(count)
    }
    try meter.finish()
}
