import TestSupport
import Testing

@testable import ValidationDecisionDomain

/// Inputs that are good, or broken in some of many ways.
private struct Arbitrary {
    var random: SeededRandom

    init(_ seed: UInt64) { random = SeededRandom(seed) }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func pick<T>(_ items: [T]) -> T { items[Int.random(in: 0..<items.count, using: &random)] }

    mutating func manifest() -> DocumentValue {
        var manifest = Good.migration
        if chance(50) { manifest = manifest.setting("env", pick(["prod", "staging", "dev", "PROD"])) }
        if chance(20) { manifest = manifest.setting("config_sha256", pick(["abc", .string(Good.other.hex)])) }
        if chance(5) { manifest = manifest.setting(pick(["env", "app_id", "version"]), pick([nil, 5, .null, ""])) }
        return manifest
    }

    mutating func config() -> DocumentValue {
        var config = Good.config
        if chance(30) { config = config.setting("tls", map(["enabled": pick([false, "true", true, .null])])) }
        if chance(60) {
            var ports: [DocumentValue] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                ports.append(pick([443, "8080", "127.0.0.1:80", "0.0.0.0:80", map(["bind": "::"]), map(["token": "x"])]))
            }
            config = config.setting("ports", .sequence(ports))
        }
        if chance(20) { config = config.setting("secrets_ref", pick([nil, " ", 5, "kv/x"])) }
        if chance(5) { config = config.setting(pick(["tls", "ports"]), pick([nil, "x", .null])) }
        for _ in 0..<Int.random(in: 0...5, using: &random) { config = config.setting(key(), value(depth: 3)) }
        return config
    }

    /// Never one that a rule reads.
    mutating func key() -> String {
        pick(["db", "password", "api-key", "note", "a b", "é", "log", "auth_token", "x"]) + pick(["", "1", "_secret", "2"])
    }

    mutating func value(depth: Int) -> DocumentValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
        case 0: return .null
        case 1: return .bool(chance(50))
        case 2: return 42
        case 3: return "hunter2"
        case 4: return pick(["", " ", "vault://x", "${X}", "{{ y }}", "${X:-y}"])
        case 5: return .string(pick(Planted.tokens))
        case 6: return .string(pick(Planted.harmless))
        case 7:
            var items: [DocumentValue] = []
            for _ in 0..<Int.random(in: 0...3, using: &random) { items.append(value(depth: depth - 1)) }
            return .sequence(items)
        default:
            var mapping = map([:])
            for _ in 0..<Int.random(in: 0...3, using: &random) { mapping = mapping.setting(key(), value(depth: depth - 1)) }
            return mapping
        }
    }

    mutating func input() -> MigrationInput {
        var input = MigrationInput(manifest: .parsed(manifest()), config: .parsed(config()), configDigest: Good.digest)
        if chance(3) { input.manifest = pick([.missing, .unparseable("line 1")]) }
        if chance(3) { input.config = pick([.missing, .unparseable("line 1")]) }
        if chance(3) { input.configDigest = pick([nil, Good.other]) }
        return input
    }
}

@Suite struct PropertyTests {
    @Test("ALLOW has no reasons; BLOCK has ordered, distinct ones that say something", arguments: 0..<300)
    func verdicts(seed: UInt64) {
        var arbitrary = Arbitrary(seed)
        for _ in 0..<20 {
            let evaluation = MigrationPolicy.evaluate(arbitrary.input())
            let codes = evaluation.codes
            #expect((evaluation.decision == .allow) == codes.isEmpty, "seed \(seed)")
            #expect(zip(codes, codes.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
            #expect(evaluation.verdict.reasons.allSatisfy { !$0.message.isEmpty }, "seed \(seed)")
            if evaluation.decision == .allow { #expect(evaluation.statusClass == .judged, "seed \(seed)") }
        }
    }

    @Test("the same input gives the same evaluation, whatever the order of its keys", arguments: 0..<300)
    func orderOfKeys(seed: UInt64) {
        var arbitrary = Arbitrary(seed)
        for _ in 0..<10 {
            let input = arbitrary.input()
            let first = MigrationPolicy.evaluate(input)
            #expect(MigrationPolicy.evaluate(input) == first, "seed \(seed)")
            var shuffled = input
            if case .parsed(let document) = input.manifest {
                shuffled.manifest = .parsed(document.shuffled(using: &arbitrary.random))
            }
            if case .parsed(let document) = input.config {
                shuffled.config = .parsed(document.shuffled(using: &arbitrary.random))
            }
            #expect(MigrationPolicy.evaluate(shuffled) == first, "seed \(seed)")
        }
    }

    @Test("a further key in the config never removes a reason", arguments: 0..<300)
    func furtherKeys(seed: UInt64) {
        var arbitrary = Arbitrary(seed)
        for _ in 0..<10 {
            var input = arbitrary.input()
            let before = Set(MigrationPolicy.evaluate(input).codes)
            guard case .parsed(let config) = input.config else { continue }
            // A key of its own: setting one that is there would change it.
            input.config = .parsed(config.setting("further_" + arbitrary.key(), arbitrary.value(depth: 2)))
            let after = Set(MigrationPolicy.evaluate(input).codes)
            #expect(before.isSubset(of: after), "seed \(seed)")
        }
    }

    @Test("a further violation never turns BLOCK into ALLOW, and always blocks", arguments: 0..<300)
    func furtherViolations(seed: UInt64) {
        var arbitrary = Arbitrary(seed)
        var input = arbitrary.input()
        var isBlocked = false
        for _ in 0..<12 {
            let violation = Int.random(in: 0..<9, using: &arbitrary.random)
            if case .parsed(let config) = input.config {
                switch violation {
                case 0: input.config = .parsed(config.setting("secrets_ref", nil))
                case 1: input.config = .parsed(config.setting("v_password", "hunter2"))
                case 2: input.config = .parsed(config.setting("v_note", .string(arbitrary.pick(Planted.tokens))))
                case 3: input.config = .parsed(config.setting("ports", nil))
                case 4: input.config = .parsed(config.setting("tls", "on"))
                case 5: input.config = .unparseable("line 9")
                default: break
                }
            }
            if violation == 6 { input.manifest = .missing }
            if violation == 7 { input.configDigest = Good.other }
            if violation == 8, case .parsed(let manifest) = input.manifest {
                input.manifest = .parsed(manifest.setting("env", "nowhere"))
            }
            // The claim may happen to name the other digest; every other violation blocks by itself and for good.
            isBlocked = isBlocked || violation != 7
            let decision = MigrationPolicy.evaluate(input).decision
            if isBlocked { #expect(decision == .block, "seed \(seed), violation \(violation)") }
        }
    }

    @Test("once blocked, upload and reference decisions stay blocked under further violations", arguments: 0..<200)
    func replicationViolations(seed: UInt64) {
        var arbitrary = Arbitrary(seed)
        var upload = ReplicationInput(
            manifest: .parsed(Good.replication), snapshot: .received(Good.digest, archiveProblem: nil), walFiles: [])
        var reference = Good.reference
        var snapshot = FetchOutcome.fetched(Good.digest, archiveProblem: nil)
        for _ in 0..<8 {
            if case .parsed(let manifest) = upload.manifest {
                let broken = [
                    manifest.setting("sync_mode", "semi"), manifest.setting("expected_snapshot_hash", "abc"),
                    manifest.setting("source_db", nil), "no mapping",
                ]
                upload.manifest = arbitrary.pick([.missing, .unparseable("x")] + broken.map { .parsed($0) })
            }
            if arbitrary.chance(30) { upload.snapshot = arbitrary.pick([.missing, .unparseable("x")]) }
            #expect(ReplicationPolicy.evaluate(upload).decision == .block, "seed \(seed)")

            let key = arbitrary.pick(["env", "sync_mode", "app_id", "snapshot", "wal", "typo"])
            reference = reference.setting(key, arbitrary.pick([.null, "x y", [], map([:])]))
            if key == "app_id" { reference = reference.setting("typo", 1) }
            if arbitrary.chance(30) { snapshot = arbitrary.pick([.failed("x"), .notAttempted]) }
            #expect(judgeReference(reference, snapshot: snapshot).decision == .block, "seed \(seed)")
        }
    }

    @Test("no reason ever shows a planted secret", arguments: 0..<300)
    func secretsStayInside(seed: UInt64) {
        var arbitrary = Arbitrary(seed)
        for _ in 0..<10 {
            var input = arbitrary.input()
            let token = arbitrary.pick(Planted.tokens)
            guard case .parsed(let config) = input.config else { continue }
            input.config = .parsed(
                config.setting("n", .string(token)).setting("ports", [.string("0.0.0.0:" + token)])
                    .setting(token, map(["password": "hunter2"])))
            let messages = MigrationPolicy.evaluate(input).verdict.reasons.map(\.message).joined()
            #expect(!messages.contains(token), "seed \(seed)")
            #expect(!messages.contains("hunter2"), "seed \(seed)")
        }
    }
}
