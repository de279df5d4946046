import Crypto
import Encoding
import Foundation
import Glibc

/// A folder for one test, removed afterwards; and what a test looks at in it.
enum TestFolder {
    static func with<T>(_ body: (String) async throws -> T) async throws -> T {
        let path = try make()
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }

    static func with<T>(_ body: (String) throws -> T) throws -> T {
        let path = try make()
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    private static func make() throws -> String {
        let root = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let path = "\(root)/sc-" + Hex.encode(SecureRandom.bytes(4))
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return path
    }

    static func read(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map(Array.init) }

    static func text(_ path: String) -> String { read(path).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// In the place of what is there.
    static func write(_ path: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

    static func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

    static func mode(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    /// Names in it, sorted, hidden ones included.
    static func list(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    /// Every file below it.
    static func files(_ path: String) -> [String] {
        (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []).sorted()
    }

    /// Neither gone nor ended: without an init to collect it, what was killed stays as a zombie.
    static func isAlive(_ pid: Int) -> Bool {
        guard let state = text("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ").first else { return false }
        return state != "Z" && state != "X"
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Where the repository lies.
    static let repository = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
}
