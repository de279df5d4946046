@testable import ValidationDecisionDomain

/// Shorthand for documents in tests.
func map(_ pairs: KeyValuePairs<String, DocumentValue>) -> DocumentValue {
    .mapping(pairs.map { DocumentValue.Entry($0.key, $0.value) })
}

extension DocumentValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    init(stringLiteral text: String) { self = .string(text) }
    init(booleanLiteral flag: Bool) { self = .bool(flag) }
    init(integerLiteral number: Int) { self = .integer(String(number)) }
}

extension DocumentValue: ExpressibleByArrayLiteral {
    init(arrayLiteral items: DocumentValue...) { self = .sequence(items) }
}

extension DocumentValue {
    /// With `key` set to `value`, in its place where it was there.
    func setting(_ key: String, _ value: DocumentValue?) -> DocumentValue {
        guard case .mapping(var entries) = self else { return self }
        let position = entries.firstIndex { $0.key == key }
        if let position { entries.remove(at: position) }
        if let value { entries.insert(Entry(key, value), at: position ?? entries.count) }
        return .mapping(entries)
    }

    /// Entries of all mappings in another order.
    func shuffled(using random: inout some RandomNumberGenerator) -> DocumentValue {
        switch self {
        case .sequence(let items):
            var shuffled: [DocumentValue] = []
            for item in items { shuffled.append(item.shuffled(using: &random)) }
            return .sequence(shuffled)
        case .mapping(let entries):
            var shuffled: [Entry] = []
            for entry in entries { shuffled.append(Entry(entry.key, entry.value.shuffled(using: &random))) }
            shuffled.shuffle(using: &random)
            return .mapping(shuffled)
        default: return self
        }
    }
}

enum Good {
    static let digest = ContentDigest(claim: String(repeating: "ab", count: 32))!
    static let other = ContentDigest(claim: String(repeating: "cd", count: 32))!

    static let migration = map([
        "app_id": "billing", "env": "prod", "version": "1.4.2", "config_sha256": .string(digest.hex),
    ])
    static let config = map([
        "tls": map(["enabled": true]), "ports": [443], "secrets_ref": "vault://billing/prod",
    ])
    static let replication = map([
        "source_db": "billing", "target_db": "billing_replica", "expected_snapshot_hash": .string(digest.hex),
        "sync_mode": "async",
    ])
    static let reference = map([
        "app_id": "billing", "env": "prod",
        "snapshot": map(["uri": "s3://mig-artifacts/billing/snapshot.tar.gz", "sha256": .string(digest.hex)]),
        "wal": map(["uri": "s3://mig-artifacts/billing/wal.tar.gz", "sha256": .string(other.hex)]),
        "sync_mode": "async", "policy_version": "2026.01", "change_id": "CHG-12345",
    ])
}

func judgeMigration(
    _ manifest: DocumentValue = Good.migration, _ config: DocumentValue = Good.config,
    digest: ContentDigest? = Good.digest
) -> Evaluation {
    MigrationPolicy.evaluate(
        MigrationInput(manifest: .parsed(manifest), config: .parsed(config), configDigest: digest))
}

func judgeReplication(
    _ manifest: DocumentValue = Good.replication,
    _ snapshot: ReceivedSnapshot = .received(Good.digest, archiveProblem: nil),
    wal: [ReplicationInput.WALFile] = []
) -> Evaluation {
    ReplicationPolicy.evaluate(ReplicationInput(manifest: .parsed(manifest), snapshot: snapshot, walFiles: wal))
}

func judgeReference(
    _ manifest: DocumentValue = Good.reference, format: DocumentFormat = .yaml,
    snapshot: FetchOutcome = .fetched(Good.digest, archiveProblem: nil),
    wal: FetchOutcome = .fetched(Good.other, archiveProblem: nil)
) -> Evaluation {
    ReferencePolicy.evaluate(.parsed(manifest), format: format, snapshot: snapshot, wal: wal)
}

extension Evaluation {
    var codes: [ReasonCode] { verdict.codes }

    func message(_ code: ReasonCode) -> String { verdict.reasons.first { $0.code == code }?.message ?? "" }
}

/// Not SHA-256: 32 bytes that depend on every byte and its place, enough for the structure of a chain.
func standInHash(_ bytes: [UInt8]) -> [UInt8] {
    var lanes: [UInt64] = [1, 2, 3, 4]
    for byte in bytes {
        for lane in lanes.indices {
            lanes[lane] = (lanes[lane] ^ UInt64(byte) &+ UInt64(lane)) &* 0x100_0000_01B3
            lanes[lane] ^= lanes[lane] >> 29
        }
    }
    return lanes.flatMap { lane in (0..<8).map { UInt8(truncatingIfNeeded: lane >> (8 * UInt64($0))) } }
}
