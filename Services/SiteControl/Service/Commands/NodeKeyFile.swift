import ServiceKit

/// Files that belong to the way to a node.
enum NodeKeyFile {
    private static let bytesMax = 64 * 1024

    /// A private key as ssh reads it. ssh refuses one that does not end with a line break.
    static func privateKey(_ path: String) throws(CommandFailure) -> [UInt8] {
        var bytes = try read(path)
        guard String(decoding: bytes, as: UTF8.self).contains("PRIVATE KEY-----") else {
            throw CommandFailure("\(path) is no private key")
        }
        if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        return bytes
    }

    /// Lines of known_hosts (sshd(8)) for a node, from public keys: as `/etc/ssh/ssh_host_*_key.pub` and `ssh-keyscan` have
    /// them.
    static func knownHosts(_ path: String, host: String, port: Int) throws(CommandFailure) -> [UInt8] {
        let name = port == 22 ? host : "[\(host)]:\(port)"
        var lines = ""
        for line in String(decoding: try read(path), as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard !line.hasPrefix("#"), let start = words.firstIndex(where: isKeyType), words.count > start + 1 else { continue }
            lines += "\(name) \(words[start]) \(words[start + 1])\n"
        }
        guard !lines.isEmpty else { throw CommandFailure("\(path) has no public host key") }
        return Array(lines.utf8)
    }

    private static func isKeyType(_ word: Substring) -> Bool {
        word.hasPrefix("ssh-") || word.hasPrefix("ecdsa-sha2-") || word.hasPrefix("sk-")
    }

    private static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        switch SmallFile.read(path, limit: bytesMax) {
        case .success(let bytes): return bytes
        case .failure(let failure): throw CommandFailure("\(path) cannot be read: \(failure.text)")
        }
    }
}
