/// A decision with its reasons. ALLOW exists only without reasons, BLOCK only with at least one;
/// reasons stand in the order of `ReasonCode`, each code once.
public struct Verdict: Sendable, Hashable {
    public let reasons: [Reason]

    public var decision: Decision { reasons.isEmpty ? .allow : .block }
    public var codes: [ReasonCode] { reasons.map(\.code) }

    /// BLOCK for one reason. Several places of one code belong into one message.
    public static func block(_ reason: Reason) -> Verdict { Verdict(ordered: [reason]) }

    /// The only way to ALLOW: a search that ended with no finding.
    init(_ findings: Findings) { self.init(ordered: findings.reasons) }

    private init(ordered reasons: [Reason]) { self.reasons = reasons }
}
