import Crypto
import Encoding
import Glibc
import Locking
import ServiceKit

/// The secrets of nodes and sites: one encrypted file each. Every call blocks: run it on the blocking pool.
///
/// A file is a version byte, a nonce of 12 bytes, then what AES-256-GCM made of the secret under the store's key, with the
/// secret's name as additional data. Any number of processes may share the directory. A nonce is random, so a key is good
/// for 2³² writes.
final class SecretStore: Sendable {
    static let secretBytesMax = 65_536
    private static let version: UInt8 = 1

    private let directory: String
    private let key: Locked<AES256GCM.Key?>

    /// - Parameter key: nil for the one in `master.key` of the directory, made when it is first needed.
    init(directory: String, key: SecretsKey?) throws {
        self.directory = directory
        do {
            try PrivateFile.makeDirectory(directory)
        } catch {
            throw SecretError(error)
        }
        // Made by hand as a rule, under whatever umask was in force.
        guard chmod(directory, 0o700) == 0 else {
            throw SecretError.system(call: "chmod", path: directory, errno: errno)
        }
        self.key = Locked(try key.map { try AES256GCM.Key($0.bytes) })
    }

    convenience init(_ configuration: Configuration) throws {
        try self.init(
            directory: configuration[ServiceVariables.secretsDirectory], key: configuration[ServiceVariables.secretsKey])
    }

    /// nil where there is no such secret.
    func read(_ name: SecretName) throws -> [UInt8]? {
        // A sealed file is 29 bytes longer than its secret.
        guard let file = try read(path(name), bytesMax: Self.secretBytesMax + 64) else { return nil }
        let head = 1 + AES256GCM.nonceBytes
        guard file.count >= head + AES256GCM.tagBytes, file[0] == Self.version else { throw SecretError.damaged(name) }
        let key = try currentKey(mayCreate: false)
        do {
            return try AES256GCM.open(
                Array(file[head...]), key: key, nonce: Array(file[1..<head]), additionalData: Array(name.path.utf8))
        } catch {
            throw SecretError.damaged(name)
        }
    }

    func write(_ name: SecretName, _ secret: [UInt8]) throws {
        let sealed = try seal(name, secret)
        do {
            try PrivateFile.makeDirectory(PrivateFile.parent(of: path(name)))
            try PrivateFile.replace(path(name), with: sealed)
        } catch {
            throw SecretError(error)
        }
    }

    /// The secret under `name`, made by `make` where there is none. Of any number of callers in any number of processes one
    /// makes it, and all get that one.
    func createIfAbsent(_ name: SecretName, make: () -> [UInt8]) throws -> [UInt8] {
        if let found = try read(name) { return found }
        let secret = make()
        let sealed = try seal(name, secret)
        do {
            try PrivateFile.makeDirectory(PrivateFile.parent(of: path(name)))
            if try PrivateFile.create(path(name), sealed) { return secret }
        } catch {
            throw SecretError(error)
        }
        guard let found = try read(name) else { return try createIfAbsent(name, make: make) }
        return found
    }

    /// Whether there was one.
    @discardableResult
    func remove(_ name: SecretName) throws -> Bool {
        do { return try PrivateFile.remove(path(name)) } catch { throw SecretError(error) }
    }

    /// The file in which the host key of a node is pinned by the first connection. Its folder exists; the file may not.
    func knownHosts(node: UUID) throws -> String {
        do { try PrivateFile.makeDirectory(directory + "/known_hosts") } catch { throw SecretError(error) }
        return "\(directory)/known_hosts/\(node)"
    }

    private func path(_ name: SecretName) -> String { directory + "/" + name.path }

    private func read(_ path: String, bytesMax: Int) throws -> [UInt8]? {
        do { return try PrivateFile.read(path, bytesMax: bytesMax) } catch { throw SecretError(error) }
    }

    private func seal(_ name: SecretName, _ secret: [UInt8]) throws -> [UInt8] {
        guard secret.count <= Self.secretBytesMax else { throw SecretError.tooLarge(name, bytesMax: Self.secretBytesMax) }
        let nonce = SecureRandom.bytes(AES256GCM.nonceBytes)
        let sealed = try AES256GCM.seal(
            secret, key: try currentKey(mayCreate: true), nonce: nonce, additionalData: Array(name.path.utf8))
        return [Self.version] + nonce + sealed
    }

    private func currentKey(mayCreate: Bool) throws -> AES256GCM.Key {
        if let known = key.withLock({ $0 }) { return known }
        let found = try AES256GCM.Key(try keyFromFile(mayCreate: mayCreate))
        key.withLock { $0 = found }
        return found
    }

    private func keyFromFile(mayCreate: Bool) throws -> [UInt8] {
        let path = directory + "/master.key"
        if let found = try readKey(path) { return found }
        // A second look: another process may have made the key and the first secret since.
        if !mayCreate || hasSecrets {
            guard let found = try readKey(path) else { throw SecretError.keyMissing(path: path) }
            return found
        }
        let made = SecureRandom.bytes(SecretsKey.length)
        do {
            if try PrivateFile.create(path, Array((Base64.encode(made) + "\n").utf8)) { return made }
        } catch {
            throw SecretError(error)
        }
        return try keyFromFile(mayCreate: false)
    }

    private var hasSecrets: Bool {
        ["node", "environment", "setting"].contains { access("\(directory)/\($0)", F_OK) == 0 }
    }

    private func readKey(_ path: String) throws -> [UInt8]? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw SecretError.system(call: "stat", path: path, errno: errno)
        }
        guard status.st_mode & 0o077 == 0 else { throw SecretError.notPrivate(path: path) }
        guard let bytes = try read(path, bytesMax: 1024) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" && $0 != "\r\n" }
        guard let key = SecretsKey.parser.parse(String(text)) else { throw SecretError.keyMalformed(path: path) }
        return key.bytes
    }
}

extension SecretError {
    init(_ failure: PrivateFile.Failure) {
        self = .system(call: failure.call, path: failure.path, errno: failure.errno)
    }
}
