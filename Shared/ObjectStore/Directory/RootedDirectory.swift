import Glibc

/// A directory tree that no path leads out of: every component is opened by itself, relative to its parent, and none may be a symbolic link.
///
/// All calls block: they belong on a pool. Owns the root's descriptor.
final class RootedDirectory: Sendable {
    private let root: Descriptor

    /// - Throws: `.unavailable` where the path is no directory that can be opened. The root itself may be reached through links.
    init(_ path: String) throws(ObjectError) { root = try Descriptor(root: path) }

    /// Opens a regular file for reading. A pipe or device is refused without waiting on it.
    func openFile(_ location: ObjectLocation) throws(ObjectError) -> (file: Descriptor, size: Int64) {
        let (parent, name) = try openParent(of: location, creating: false)
        let file = try parent.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        var status = stat()
        guard fstat(file.fd, &status) == 0 else { throw ObjectError(errno: errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return (file, Int64(status.st_size))
        case S_IFDIR: throw .notFound
        default: throw .denied("not a regular file")
        }
    }

    /// Makes a file beside its final place, under a name that no location can reach.
    func createFile(_ location: ObjectLocation, temporaryName: String) throws(ObjectError) -> PendingFile {
        let (parent, name) = try openParent(of: location, creating: true)
        let file = try parent.open(temporaryName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o640)
        return PendingFile(directory: parent, file: file, temporaryName: temporaryName, name: name)
    }

    func removeFile(_ location: ObjectLocation) throws(ObjectError) {
        do throws(ObjectError) {
            let (parent, name) = try openParent(of: location, creating: false)
            guard unlinkat(parent.fd, name, 0) == 0 else {
                throw errno == EISDIR ? .notFound : ObjectError(errno: errno)
            }
            try parent.sync()
        } catch {
            guard error == .notFound else { throw error }
        }
    }

    private func openParent(of location: ObjectLocation, creating: Bool) throws(ObjectError) -> (Descriptor, String) {
        var names = [location.bucket] + location.key.split(separator: "/").map(String.init)
        guard !names.contains(where: { $0.hasPrefix(PendingFile.namePrefix) }), let last = names.popLast() else {
            throw .notFound
        }
        var current = root
        for name in names {
            current = try current.directory(name, creating: creating)
        }
        return (current, last)
    }
}

/// A file being written: it appears under its name with ``commit()``, or vanishes with this object.
final class PendingFile: @unchecked Sendable {
    // @unchecked: `isCommitted` is touched by one piece of pool work at a time, each awaited before the next, and by deinit.
    static let namePrefix = ".put-"

    private let directory: Descriptor
    private let file: Descriptor
    private let temporaryName: String
    private let name: String
    private var isCommitted = false

    init(directory: Descriptor, file: Descriptor, temporaryName: String, name: String) {
        self.directory = directory
        self.file = file
        self.temporaryName = temporaryName
        self.name = name
    }

    deinit {
        if !isCommitted { unlinkat(directory.fd, temporaryName, 0) }
    }

    func write(_ bytes: [UInt8]) throws(ObjectError) { try file.write(bytes) }

    /// The bytes reach the disk before the name, and the name before this returns.
    func commit() throws(ObjectError) {
        try file.sync()
        guard renameat(directory.fd, temporaryName, directory.fd, name) == 0 else {
            throw errno == EISDIR ? .denied("a directory has this name") : ObjectError(errno: errno)
        }
        isCommitted = true
        try directory.sync()
    }
}
