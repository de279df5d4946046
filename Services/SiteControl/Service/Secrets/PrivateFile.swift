import Crypto
import Encoding
import Glibc

/// Files that only their owner reads, replaced as a whole or not at all. Every call blocks.
enum PrivateFile {
    struct Failure: Error {
        let call: String
        let path: String
        let errno: Int32

        /// Of the call that has just failed on this thread.
        init(_ call: String, _ path: String) {
            self.call = call
            self.path = path
            errno = Glibc.errno
        }

        init(_ call: String, _ path: String, errno: Int32) {
            self.call = call
            self.path = path
            self.errno = errno
        }
    }

    /// Makes a folder of mode 0700, and those above it that are missing.
    static func makeDirectory(_ path: String) throws(Failure) {
        if mkdir(path, 0o700) == 0 { return try syncDirectory(parent(of: path)) }
        switch Glibc.errno {
        case EEXIST: return
        case ENOENT where parent(of: path) != path:
            try makeDirectory(parent(of: path))
            guard mkdir(path, 0o700) == 0 || Glibc.errno == EEXIST else { throw Failure("mkdir", path) }
            try syncDirectory(parent(of: path))
        default: throw Failure("mkdir", path)
        }
    }

    /// The contents; nil where there is no such file.
    static func read(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if Glibc.errno == ENOENT { return nil }
            throw Failure("open", path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0 {
                if Glibc.errno == EINTR { continue }
                throw Failure("read", path)
            }
            if count == 0 { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= bytesMax else { throw Failure("read", path, errno: EFBIG) }
        }
    }

    /// Puts `bytes` in the place of what is there. After a crash at any instant the old or the new contents are there.
    static func replace(_ path: String, with bytes: [UInt8]) throws(Failure) {
        let draft = try writeDraft(beside: path, bytes)
        guard rename(draft, path) == 0 else {
            let failure = Failure("rename", path)
            unlink(draft)
            throw failure
        }
        try syncDirectory(parent(of: path))
    }

    /// Writes `bytes` unless there is a file; of any number of processes one is told true. Nobody sees half a file.
    static func create(_ path: String, _ bytes: [UInt8]) throws(Failure) -> Bool {
        let draft = try writeDraft(beside: path, bytes)
        defer { unlink(draft) }
        guard link(draft, path) == 0 else {
            if Glibc.errno == EEXIST { return false }
            throw Failure("link", path)
        }
        try syncDirectory(parent(of: path))
        return true
    }

    /// Whether there was one.
    @discardableResult
    static func remove(_ path: String) throws(Failure) -> Bool {
        guard unlink(path) == 0 else {
            if Glibc.errno == ENOENT { return false }
            throw Failure("unlink", path)
        }
        try syncDirectory(parent(of: path))
        return true
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// Mode 0600 from its first instant, synced, under a name that nobody else uses.
    private static func writeDraft(beside path: String, _ bytes: [UInt8]) throws(Failure) -> String {
        let draft = parent(of: path) + "/.draft-" + Hex.encode(SecureRandom.bytes(8))
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Failure("open", draft) }
        var failure = writeAll(descriptor, bytes, draft)
        if failure == nil, fsync(descriptor) != 0 { failure = Failure("fsync", draft) }
        close(descriptor)
        if let failure {
            unlink(draft)
            throw failure
        }
        return draft
    }

    private static func writeAll(_ descriptor: Int32, _ bytes: [UInt8], _ path: String) -> Failure? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count == 0 || Glibc.errno != EINTR {
                return Failure("write", path)
            }
        }
        return nil
    }

    private static func syncDirectory(_ path: String) throws(Failure) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure("fsync", path) }
    }
}
