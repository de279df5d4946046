/// Why a deployment failed, for people (reference 3.6). Names neither the engine nor its stages, ids or addresses.
public struct NormalizedFailure: Sendable, Hashable {
    public static let summaryScalarsMax = 120
    public static let detailScalarsMax = 500

    public var category: FailureCategory
    /// One line, never blank: the effect, not the mechanism. The same cause always gives the same text.
    public var summary: String
    /// Redacted; nil where nothing safe can be added.
    public var detail: String?
    /// One imperative sentence, never blank.
    public var actionHint: String
    /// Microseconds since 1970 UTC. Constant once it is stored.
    public var observedAt: Int64

    public init(category: FailureCategory, summary: String, detail: String?, actionHint: String, observedAt: Int64) {
        self.category = category
        self.summary = summary
        self.detail = detail
        self.actionHint = actionHint
        self.observedAt = observedAt
    }
}

/// A failure as it was read out of an execution, before it is stored: two with equal category and summary are one.
public struct FailureFinding: Sendable, Hashable {
    public var category: FailureCategory
    public var summary: String
    public var detail: String?
    public var actionHint: String
    /// When the stage ended, where the engine says it; microseconds since 1970 UTC. The store takes its own clock otherwise.
    public var observedAt: Int64?

    public init(category: FailureCategory, summary: String, detail: String? = nil, actionHint: String, observedAt: Int64? = nil) {
        self.category = category
        self.summary = summary
        self.detail = detail
        self.actionHint = actionHint
        self.observedAt = observedAt
    }

    /// The execution has vanished, or an operator gave the deployment up.
    public static let unconfirmed = FailureFinding(
        category: .infra, summary: "The rollout's result could not be confirmed.",
        actionHint: "Check what is running now before deploying again.")
}
