public import EventLoop

/// The loops that tests and their clients share. Never shut down.
public enum TestLoops {
    public static let group: LoopGroup = {
        let group = LoopGroup(count: 2, name: "test")
        group.start()
        return group
    }()

    /// Runs `body` on one of the loops.
    public static func run<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        try await group.nextLoop().run(body)
    }
}
