import Crypto
import Encoding
import Glibc
import Locking
import TestSupport
import Testing
@testable import SiteControl

@Suite struct SecretStoreTests {
    static let node = UUID(high: 1, low: 2)
    static let other = UUID(high: 3, low: 4)
    static let secret = Array("correct horse battery staple".utf8)

    @Test("a secret comes back as it was written, and lies encrypted in a file that only the owner reads")
    func roundTrip() throws {
        try TestFolder.with { folder in
            let store = try SecretStore(directory: folder + "/secrets", key: nil)
            #expect(try store.read(.nodeKey(Self.node)) == nil)
            try store.write(.nodeKey(Self.node), Self.secret)
            #expect(try store.read(.nodeKey(Self.node)) == Self.secret)
            try store.write(.nodeKey(Self.node), [])
            #expect(try store.read(.nodeKey(Self.node)) == [])
            try store.write(.nodeKey(Self.node), Self.secret)
            let path = "\(folder)/secrets/node/\(Self.node)/ssh_key"
            let file = try #require(TestFolder.read(path))
            #expect(!String(decoding: file, as: UTF8.self).contains("horse"))
            #expect(TestFolder.mode(path) == 0o600)
            #expect(TestFolder.mode(folder + "/secrets/master.key") == 0o600)
            for directory in ["", "/node", "/node/\(Self.node)"] {
                #expect(TestFolder.mode(folder + "/secrets" + directory) == 0o700)
            }
            #expect(try SecretStore(directory: folder + "/secrets", key: nil).read(.nodeKey(Self.node)) == Self.secret)
            #expect(try store.remove(.nodeKey(Self.node)))
            #expect(try !store.remove(.nodeKey(Self.node)))
            #expect(try store.read(.nodeKey(Self.node)) == nil)
        }
    }

    @Test("two writes of the same secret give different files")
    func nonces() throws {
        try TestFolder.with { folder in
            let store = try SecretStore(directory: folder, key: nil)
            try store.write(.dnsCredentials, Self.secret)
            let first = TestFolder.read(folder + "/setting/dns01_credentials_json")
            try store.write(.dnsCredentials, Self.secret)
            #expect(TestFolder.read(folder + "/setting/dns01_credentials_json") != first)
        }
    }

    @Test("a changed byte, a cut file and a file of another name do not open")
    func tampering() throws {
        try TestFolder.with { folder in
            let store = try SecretStore(directory: folder, key: nil)
            try store.write(.databasePassword(environment: Self.node), Self.secret)
            try store.write(.databasePassword(environment: Self.other), Array("another".utf8))
            let path = "\(folder)/environment/\(Self.node)/database_password"
            let whole = try #require(TestFolder.read(path))
            for index in whole.indices {
                var changed = whole
                changed[index] ^= 0x10
                try TestFolder.write(path, changed)
                #expect(throws: SecretError.damaged(.databasePassword(environment: Self.node))) {
                    try store.read(.databasePassword(environment: Self.node))
                }
            }
            for length in [0, 1, 13, 28, whole.count - 1] {
                try TestFolder.write(path, Array(whole.prefix(length)))
                #expect(throws: SecretError.self) { try store.read(.databasePassword(environment: Self.node)) }
            }
            try TestFolder.write(path, try #require(TestFolder.read("\(folder)/environment/\(Self.other)/database_password")))
            #expect(throws: SecretError.damaged(.databasePassword(environment: Self.node))) {
                try store.read(.databasePassword(environment: Self.node))
            }
            try TestFolder.write(path, whole)
            #expect(try store.read(.databasePassword(environment: Self.node)) == Self.secret)
        }
    }

    @Test("another key opens nothing, and none is made in the place of one that is gone")
    func wrongKey() throws {
        try TestFolder.with { folder in
            let key = SecretsKey(bytes: [UInt8](repeating: 7, count: 32))
            try SecretStore(directory: folder, key: key).write(.gitKey, Self.secret)
            #expect(TestFolder.read(folder + "/master.key") == nil)
            let stranger = try SecretStore(directory: folder, key: SecretsKey(bytes: [UInt8](repeating: 8, count: 32)))
            #expect(throws: SecretError.damaged(.gitKey)) { try stranger.read(.gitKey) }
            let keyless = try SecretStore(directory: folder, key: nil)
            #expect(throws: SecretError.keyMissing(path: folder + "/master.key")) { try keyless.read(.gitKey) }
            #expect(throws: SecretError.keyMissing(path: folder + "/master.key")) { try keyless.write(.dnsCredentials, [1]) }
            try TestFolder.write(folder + "/master.key", Array((Base64.encode(key.bytes) + "\n").utf8))
            chmod(folder + "/master.key", 0o600)
            #expect(try SecretStore(directory: folder, key: nil).read(.gitKey) == Self.secret)
        }
    }

    @Test("a key file that others may read, or that holds no key, is refused")
    func keyFile() throws {
        try TestFolder.with { folder in
            let path = folder + "/master.key"
            try TestFolder.write(path, Array(Base64.encode([UInt8](repeating: 1, count: 32)).utf8))
            chmod(path, 0o644)
            #expect(throws: SecretError.notPrivate(path: path)) {
                try SecretStore(directory: folder, key: nil).write(.gitKey, Self.secret)
            }
            try TestFolder.write(path, Array("short".utf8))
            chmod(path, 0o600)
            #expect(throws: SecretError.keyMalformed(path: path)) {
                try SecretStore(directory: folder, key: nil).write(.gitKey, Self.secret)
            }
        }
    }

    @Test("what a crash left beside a secret changes nothing")
    func drafts() throws {
        try TestFolder.with { folder in
            let store = try SecretStore(directory: folder, key: nil)
            try store.write(.gitKey, Self.secret)
            try TestFolder.write(folder + "/setting/.draft-0011223344556677", [1, 2, 3])
            #expect(try store.read(.gitKey) == Self.secret)
            try store.write(.gitKey, Array("newer".utf8))
            #expect(try store.read(.gitKey) == Array("newer".utf8))
        }
    }

    @Test("a reader sees the old or the new secret, never half of one")
    func replacing() async throws {
        try await TestFolder.with { folder in
            let store = try SecretStore(directory: folder, key: nil)
            let secrets = (0..<2).map { [UInt8](repeating: UInt8(65 + $0), count: 30_000) }
            try store.write(.gitKey, secrets[0])
            await withTaskGroup(of: Void.self) { group in
                for turn in 0..<2 {
                    group.addTask {
                        for _ in 0..<50 { try? store.write(.gitKey, secrets[turn]) }
                    }
                }
                group.addTask {
                    for _ in 0..<200 {
                        let seen = try? store.read(.gitKey)
                        #expect(seen == secrets[0] || seen == secrets[1])
                    }
                }
            }
            #expect(TestFolder.list(folder + "/setting") == ["git_ssh_key"])
        }
    }

    @Test("of many stores that make a missing secret at once, all get the same, and one key is made")
    func createIfAbsent() async throws {
        // Stores share nothing but the directory, as those of different processes.
        try await TestFolder.with { folder in
            let made = Locked(0)
            let results = await withTaskGroup(of: [UInt8]?.self, returning: [[UInt8]?].self) { group in
                for number in 0..<16 {
                    group.addTask {
                        let store = try? SecretStore(directory: folder, key: nil)
                        return try? store?.createIfAbsent(.redisPassword(environment: Self.node)) {
                            made.withLock { $0 += 1 }
                            return [UInt8(number)]
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(results).count == 1 && results[0] != nil)
            #expect(made.withLock { $0 } >= 1)
            let store = try SecretStore(directory: folder, key: nil)
            #expect(try store.read(.redisPassword(environment: Self.node)) == results[0])
            #expect(TestFolder.list(folder + "/environment/\(Self.node)") == ["redis_password"])
        }
    }

    @Test("a secret has a size limit")
    func size() throws {
        try TestFolder.with { folder in
            let store = try SecretStore(directory: folder, key: nil)
            let most = [UInt8](repeating: 1, count: SecretStore.secretBytesMax)
            try store.write(.gitKey, most)
            #expect(try store.read(.gitKey) == most)
            #expect(throws: SecretError.tooLarge(.gitKey, bytesMax: SecretStore.secretBytesMax)) {
                try store.write(.gitKey, most + [1])
            }
        }
    }
}
