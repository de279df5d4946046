/// Which of a client's capabilities for an artifact lets it be registered (reference 6.5, causes 5 to 7).
public enum CapabilityChoice: Sendable, Hashable {
    /// The place of the capability in the list.
    case usable(Int)
    case refused(ArtifactProblem)

    public struct Candidate: Sendable, Hashable {
        public var isExpired: Bool
        public var isUsed: Bool

        public init(isExpired: Bool, isUsed: Bool) {
            self.isExpired = isExpired
            self.isUsed = isUsed
        }
    }

    /// The most favourable one decides: it fails last, or not at all.
    public init(among candidates: [Candidate]) {
        if let place = candidates.firstIndex(where: { !$0.isExpired && !$0.isUsed }) {
            self = .usable(place)
        } else if candidates.contains(where: { !$0.isExpired }) {
            self = .refused(.capabilityUsed)
        } else {
            self = .refused(candidates.isEmpty ? .noCapability : .capabilityExpired)
        }
    }
}
