import Glibc

/// A directory tree that no path leads out of: every component is opened by itself, relative to its parent, and none may be a symbolic link.
///
/// All calls block: they belong on a pool. Owns the root's descriptor.
final class RootedDirectory: Sendable {
    private let root: Int32

    /// - Throws: `.unavailable` where the path is no directory that can be opened. The root itself may be reached through links.
    init(_ path: String) throws(ObjectError) {
        root = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw .unavailable("the root cannot be opened: \(RootedDirectory.text(errno))") }
    }

    deinit { Glibc.close(root) }

    /// Opens a regular file for reading. A pipe or device is refused without waiting on it.
    func openFile(_ location: ObjectLocation) throws(ObjectError) -> (file: Descriptor, size: Int64) {
        let (parent, name) = try openParent(of: location, creating: false)
        let file = try parent.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        var status = stat()
        guard fstat(file.fd, &status) == 0 else { throw RootedDirectory.error(errno) }
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
                throw errno == EISDIR ? .notFound : RootedDirectory.error(errno)
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
        var current = try Descriptor(dup: root)
        for name in names {
            if creating, mkdirat(current.fd, name, 0o750) == 0 { try current.sync() }
            current = try current.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        }
        return (current, last)
    }

    static func error(_ code: Int32) -> ObjectError {
        switch code {
        case ENOENT, ENOTDIR, ENAMETOOLONG: .notFound
        case EACCES, EPERM, ENXIO: .denied(text(code))
        case ELOOP: .denied("a symbolic link")
        default: .unavailable(text(code))
        }
    }

    static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "errno \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// An open descriptor, closed when it is released.
final class Descriptor: Sendable {
    let fd: Int32

    private init(adopting fd: Int32) { self.fd = fd }

    convenience init(dup other: Int32) throws(ObjectError) {
        let fd = fcntl(other, F_DUPFD_CLOEXEC, 0)
        guard fd >= 0 else { throw RootedDirectory.error(errno) }
        self.init(adopting: fd)
    }

    deinit { Glibc.close(fd) }

    func open(_ name: String, _ flags: Int32, mode: mode_t = 0) throws(ObjectError) -> Descriptor {
        while true {
            let opened = openat(fd, name, flags | O_CLOEXEC, mode)
            if opened >= 0 { return Descriptor(adopting: opened) }
            guard errno == EINTR else { throw RootedDirectory.error(errno) }
        }
    }

    /// Brings what was written, or the entries of a directory, to the disk.
    func sync() throws(ObjectError) {
        guard fsync(fd) == 0 else { throw RootedDirectory.error(errno) }
    }

    /// Fills `room` from `offset`, up to the end of the file.
    func read(into room: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ObjectError) -> Int {
        var done = 0
        while done < room.count {
            let count = pread(fd, room.baseAddress.map { $0 + done }, room.count - done, Int(offset) + done)
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw RootedDirectory.error(errno)
            }
        }
        return done
    }

    func write(_ bytes: [UInt8]) throws(ObjectError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(fd, $0.baseAddress.map { $0 + done }, $0.count - done) }
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw RootedDirectory.error(errno)
            }
        }
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
            throw errno == EISDIR ? .denied("a directory has this name") : RootedDirectory.error(errno)
        }
        isCommitted = true
        try directory.sync()
    }
}
