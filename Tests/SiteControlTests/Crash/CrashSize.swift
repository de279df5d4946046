import Foundation

/// How long the crash tests are: small by default, as large as the environment says.
enum CrashSize {
    /// Jobs of the randomised test, follow-ups included: TRIVET_TEST_JOBS.
    static var jobs: Int { number("TRIVET_TEST_JOBS") ?? 500 }

    /// TRIVET_TEST_SEED, or another one each time; printed, so that a failure can be had again.
    static func seed(of test: String) -> UInt64 {
        let seed = ProcessInfo.processInfo.environment["TRIVET_TEST_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)
        print("\(test): TRIVET_TEST_SEED=\(seed)")
        return seed
    }

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }
}
