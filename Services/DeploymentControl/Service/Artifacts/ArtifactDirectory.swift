import Crypto
import DeploymentControlDomain
import Glibc
import ObjectStore

/// Artifacts as files, `{root}/{service}/{version}/{sha256}.{extension}`, and in `{root}/.incoming` what is on its way.
/// Every component is opened by itself and none may be a symbolic link: no path leads out of the root.
///
/// All calls block: they belong on a pool.
final class ArtifactDirectory: Sendable {
    /// No service has a name that begins with a dot.
    private static let incomingName = ".incoming"
    /// Between the making of a temporary file and its lock another process may look at it. Seconds.
    private static let orphanAge = 60

    private let root: Descriptor
    private let incoming: Descriptor

    init(_ path: String) throws(ObjectError) {
        root = try Descriptor(root: path)
        incoming = try root.directory(Self.incomingName, creating: true)
    }

    /// Begins a file that nobody sees yet.
    func begin() throws(ObjectError) -> IncomingFile {
        let name = String(SecureRandom.next64(), radix: 16)
        let file = try incoming.open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o640)
        // Held until the file is closed, also by being killed: who can take it has found an orphan.
        guard flock(file.fd, LOCK_EX | LOCK_NB) == 0 else { throw ObjectError(errno: errno) }
        return IncomingFile(file: file, directory: incoming, name: name)
    }

    /// The file that holds the artifact.
    func open(_ path: ArtifactPath) throws(ObjectError) -> (file: Descriptor, size: Int64) {
        let file = try parent(of: path, creating: false).open(path.fileName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        var status = stat()
        guard fstat(file.fd, &status) == 0 else { throw ObjectError(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .denied("not a regular file") }
        return (file, Int64(status.st_size))
    }

    /// The directory that holds the artifact's name.
    func parent(of path: ArtifactPath, creating: Bool) throws(ObjectError) -> Descriptor {
        try root.directory(path.service.text, creating: creating).directory(path.version.text, creating: creating)
    }

    /// Removes the file that holds the artifact, where there is one. Its directories stay: an upload may be about to use them.
    func remove(_ path: ArtifactPath) throws(ObjectError) {
        do throws(ObjectError) {
            let parent = try parent(of: path, creating: false)
            guard unlinkat(parent.fd, path.fileName, 0) == 0 else { throw ObjectError(errno: errno) }
            try parent.sync()
        } catch {
            if error != .notFound { throw error }
        }
    }

    /// Removes temporary files whose writer is gone.
    func sweep(now: Int = time(nil)) throws(ObjectError) -> Int {
        let listing = try incoming.open(".", O_RDONLY | O_DIRECTORY)
        guard let stream = fdopendir(fcntl(listing.fd, F_DUPFD_CLOEXEC, 0)) else { throw ObjectError(errno: errno) }
        defer { closedir(stream) }
        var removed = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != "..", isOrphan(name, now: now), unlinkat(incoming.fd, name, 0) == 0 { removed += 1 }
        }
        return removed
    }

    private func isOrphan(_ name: String, now: Int) -> Bool {
        guard let file = try? incoming.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return false }
        var status = stat()
        guard fstat(file.fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_mtim.tv_sec + Self.orphanAge <= now
        else { return false }
        return flock(file.fd, LOCK_EX | LOCK_NB) == 0
    }
}
