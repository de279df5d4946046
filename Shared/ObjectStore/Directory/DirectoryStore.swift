import Crypto
public import EventLoop

/// Objects as regular files: bucket = first component below the root, key = the rest. Symbolic links are never followed.
///
/// Meant for one machine and for tests; every read and write runs on a pool, in pieces of ``pieceBytes``.
public final class DirectoryStore: ObjectReading {
    /// Bytes per read.
    public static let pieceBytes = 262_144

    private let directory: RootedDirectory
    private let pool: BlockingPool
    private let buckets: Set<String>?
    private let deadline: Duration

    /// - Parameters:
    ///   - buckets: allowlist; nil allows every bucket.
    ///   - deadline: for reading one object from first to last byte.
    /// - Throws: `.unavailable` where the root is no directory that can be opened.
    public init(
        root: String, pool: BlockingPool, buckets: [String]? = nil, deadline: Duration = .seconds(600)
    ) throws(ObjectError) {
        directory = try RootedDirectory(root)
        self.pool = pool
        self.buckets = buckets.map { Set($0) }
        self.deadline = deadline
    }

    public func open(_ location: ObjectLocation, upTo limit: Int64) async throws(ObjectError) -> ObjectStream {
        try checkBucket(location)
        let (file, size) = try await onPool { [directory] in try directory.openFile(location) }
        guard size <= limit else { throw .tooLarge(limit: limit) }
        let source = DirectorySource(
            reader: FileReader(file: file, size: size), store: self, deadline: MonotonicTime.now() + deadline)
        return ObjectStream(declaredLength: size, source: source)
    }

    public func head(_ location: ObjectLocation) async throws(ObjectError) -> Int64 {
        try checkBucket(location)
        return try await onPool { [directory] in try directory.openFile(location).size }
    }

    public func put(_ location: ObjectLocation, _ body: ObjectBody) async throws(ObjectError) {
        try checkBucket(location)
        let temporaryName = PendingFile.namePrefix + String(SecureRandom.next64(), radix: 16)
        let pending = try await onPool { [directory] in
            try directory.createFile(location, temporaryName: temporaryName)
        }
        switch body {
        case .bytes(let bytes): try await onPool { try pending.write(bytes) }
        case .stream(let length, let next):
            var written: Int64 = 0
            while let piece = try await pull(next) {
                written += Int64(piece.count)
                guard written <= length else { throw .uploadFailed("the source gave more than the \(length) bytes it declared") }
                try await onPool { try pending.write(piece) }
            }
            guard written == length else { throw .uploadFailed("the source gave \(written) of \(length) bytes") }
        }
        try await onPool { try pending.commit() }
    }

    public func delete(_ location: ObjectLocation) async throws(ObjectError) {
        try checkBucket(location)
        try await onPool { [directory] in try directory.removeFile(location) }
    }

    private func pull(_ next: @Sendable () async throws -> [UInt8]?) async throws(ObjectError) -> [UInt8]? {
        do {
            return try await next()
        } catch {
            throw Task.isCancelled ? .cancelled : .uploadFailed("the source of the object failed")
        }
    }

    private func checkBucket(_ location: ObjectLocation) throws(ObjectError) {
        if let buckets, !buckets.contains(location.bucket) { throw .bucketNotAllowed(location.bucket) }
    }

    func onPool<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws(ObjectError) -> T {
        do {
            return try await pool.run(work)
        } catch let error as ObjectError {
            throw error
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw .unavailable("too much blocking work is waiting")
        }
    }
}
