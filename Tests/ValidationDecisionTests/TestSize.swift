import Foundation

/// How long the long tests are: small by default, as large as the environment says.
enum TestSize {
    /// Kills of each kind: TRIVET_TEST_ROUNDS.
    static var rounds: Int { number("TRIVET_TEST_ROUNDS") ?? 8 }
    /// Bytes of a large snapshot: TRIVET_TEST_SNAPSHOT_MB.
    static var snapshotBytes: Int { (number("TRIVET_TEST_SNAPSHOT_MB") ?? 2048) << 20 }

    /// TRIVET_TEST_SEED, or another one each time; printed, so that a failure can be had again.
    static func seed(of test: String) -> UInt64 {
        var random = SystemRandomNumberGenerator()
        let seed = ProcessInfo.processInfo.environment["TRIVET_TEST_SEED"].flatMap { UInt64($0) } ?? random.next() >> 32
        print("\(test): TRIVET_TEST_SEED=\(seed)")
        return seed
    }

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }
}
