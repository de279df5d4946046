/// The two conditions of a promotion. Nobody can override them.
public struct PromotionGates: Hashable, Sendable {
    public enum Verdict: Hashable, Sendable {
        case open
        case driftGateUnmet
        case backupGateUnmet
    }

    public let driftStatus: DriftStatus
    /// When the source's drift was checked.
    public let checkedAt: Int64?
    /// When the newest full backup of the target was completed.
    public let backedUpAt: Int64?
    /// When a job that changes the target's data last ended.
    public let lastChange: Int64?

    public init(driftStatus: DriftStatus, checkedAt: Int64?, backedUpAt: Int64?, lastChange: Int64?) {
        self.driftStatus = driftStatus
        self.checkedAt = checkedAt
        self.backedUpAt = backedUpAt
        self.lastChange = lastChange
    }

    public func verdict(_ freshness: Freshness, now: Int64) -> Verdict {
        guard driftStatus == .clean, freshness.holds(checkedAt, lastChange: lastChange, now: now) else {
            return .driftGateUnmet
        }
        guard freshness.holds(backedUpAt, lastChange: lastChange, now: now) else { return .backupGateUnmet }
        return .open
    }
}
