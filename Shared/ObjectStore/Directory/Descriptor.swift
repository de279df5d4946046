import Glibc

/// An open descriptor, closed when it is released. All calls block: they belong on a pool.
package final class Descriptor: Sendable {
    package let fd: Int32

    private init(adopting fd: Int32) { self.fd = fd }

    deinit { Glibc.close(fd) }

    /// Opens the directory that everything else is below. It may itself be reached through links.
    package convenience init(root path: String) throws(ObjectError) {
        let fd = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { throw .unavailable("the root cannot be opened: \(ObjectError.text(errno))") }
        self.init(adopting: fd)
    }

    /// Opens what has this name in this directory.
    package func open(_ name: String, _ flags: Int32, mode: UInt32 = 0) throws(ObjectError) -> Descriptor {
        while true {
            let opened = openat(fd, name, flags | O_CLOEXEC, mode)
            if opened >= 0 { return Descriptor(adopting: opened) }
            guard errno == EINTR else { throw ObjectError(errno: errno) }
        }
    }

    /// Opens a directory of this directory, never through a link.
    ///
    /// - Parameter creating: makes it where there is none, and brings the entry to the disk.
    package func directory(_ name: String, creating: Bool) throws(ObjectError) -> Descriptor {
        if creating, mkdirat(fd, name, 0o750) == 0 { try sync() }
        return try open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    /// Brings what was written, or the entries of a directory, to the disk.
    package func sync() throws(ObjectError) {
        guard fsync(fd) == 0 else { throw ObjectError(errno: errno) }
    }

    /// Fills `room` from `offset`, up to the end of the file.
    package func read(into room: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ObjectError) -> Int {
        var done = 0
        while done < room.count {
            let count = pread(fd, room.baseAddress.map { $0 + done }, room.count - done, Int(offset) + done)
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw ObjectError(errno: errno)
            }
        }
        return done
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(ObjectError) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(fd, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw ObjectError(errno: errno)
            }
        }
    }

    func write(_ bytes: [UInt8]) throws(ObjectError) {
        let result: Result<Void, ObjectError> = bytes.withUnsafeBytes { bytes in
            do throws(ObjectError) {
                return .success(try write(bytes))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}

extension ObjectError {
    /// What an error of the file system means for an object.
    package init(errno code: Int32) {
        self =
            switch code {
            case ENOENT, ENOTDIR, ENAMETOOLONG: .notFound
            case EACCES, EPERM, ENXIO: .denied(ObjectError.text(code))
            case ELOOP: .denied("a symbolic link")
            default: .unavailable(ObjectError.text(code))
            }
    }

    static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "errno \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
