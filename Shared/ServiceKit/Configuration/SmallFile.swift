import Glibc

/// Reads small files as a whole: secrets, credentials. For use at the start and by commands only; it blocks.
public enum SmallFile {
    public struct Failure: Error {
        /// Goes after the file's name: "it does not exist".
        public let text: String
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    public static func read(_ path: String, limit: Int) -> Result<[UInt8], Failure> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(Failure(text: describe(errno))) }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: min(limit, 16_384) + 1)
        while bytes.count <= limit {
            let count = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                return .failure(Failure(text: describe(code)))
            }
            if count == 0 { return .success(bytes) }
            bytes += piece[..<count]
        }
        return .failure(Failure(text: "it is larger than \(limit) bytes"))
    }

    static func describe(_ code: Int32) -> String {
        switch code {
        case ENOENT: "it does not exist"
        case EACCES, EPERM: "permission denied"
        case EISDIR: "it is a directory"
        default: "errno \(code)"
        }
    }
}
