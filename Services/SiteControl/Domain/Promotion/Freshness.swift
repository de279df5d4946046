/// Whether something that was measured or stored still says how an environment is now (reference 8.5).
///
/// Instants are microseconds since 1970 UTC, all of one clock.
public struct Freshness: Hashable, Sendable {
    public let maxAge: Duration

    public init(maxAge: Duration) { self.maxAge = maxAge }

    /// - Parameters:
    ///   - moment: when it was measured or stored; nil where it never was.
    ///   - lastChange: when a job that changes the environment's data last ended; nil where none did.
    public func holds(_ moment: Int64?, lastChange: Int64?, now: Int64) -> Bool {
        guard let moment else { return false }
        if let lastChange, lastChange > moment { return false }
        return .microseconds(now) - .microseconds(moment) <= maxAge
    }
}
