/// Limits of the runner, each with its unit. Relations between them: `RunnerLimitsTests`.
enum RunnerLimits {
    /// Of the output that is kept with the job, and of the message of a failure.
    static let tailBytesMax = 10_240
    /// Of a line of output; a longer one is told in pieces.
    static let lineBytesMax = 16_384
    /// Of a line of the callback plugin; a longer one is dropped.
    static let eventBytesMax = 262_144
    /// Of output that is looked at in one attempt; what is beyond is read and dropped.
    static let outputBytesMax = 256 << 20
    /// Of a result file.
    static let resultBytesMax = 4 << 20
    /// Of a private key or a credentials file.
    static let secretFileBytesMax = 65_536
    /// Between TERM and KILL of an attempt's process group, at most: less where leases are short.
    static let stopGrace = Duration.seconds(5)
    /// For KILL to be seen.
    static let killGrace = Duration.seconds(5)
    /// For telling a node to stop what a job left running there.
    static let remoteStopTimeout = Duration.seconds(5)
    /// For the syntax check of all playbooks together.
    static let syntaxCheckTimeout = Duration.seconds(300)
    /// Shortest text that is masked: what is shorter occurs everywhere.
    static let maskedBytesMin = 4
    /// Age from which a scratch folder that no process has locked is a leftover, where it was never locked at all.
    static let unlockedScratchAge = Duration.seconds(60)
}
