/// What an execution tells about itself, taken out of the engine's own schema: all that ``FailureReader`` decides by.
public struct ExecutionReport: Sendable, Hashable {
    public var status: EngineStatus
    public var isCanceled: Bool
    public var canceledBy: String?
    public var cancellationReason: String?
    /// Microseconds since 1970 UTC.
    public var endedAt: Int64?
    /// Texts on the execution itself; a stock engine has none.
    public var texts: [String]
    /// In the engine's order.
    public var stages: [StageReport]

    public init(
        status: EngineStatus, isCanceled: Bool = false, canceledBy: String? = nil, cancellationReason: String? = nil,
        endedAt: Int64? = nil, texts: [String] = [], stages: [StageReport] = []
    ) {
        self.status = status
        self.isCanceled = isCanceled
        self.canceledBy = canceledBy
        self.cancellationReason = cancellationReason
        self.endedAt = endedAt
        self.texts = texts
        self.stages = stages
    }
}

/// One stage of an execution, with the evidence it holds (reference 7.6).
public struct StageReport: Sendable, Hashable {
    public var id: String
    public var parentID: String?
    /// `webhook`, `manualJudgment`, `pipeline`…
    public var type: String
    /// Upper case.
    public var status: String
    /// Microseconds since 1970 UTC.
    public var endedAt: Int64?
    /// Names of the tasks that failed: what was being waited for.
    public var failedTasks: [String]
    /// Words of a machine, from `context.webhook.body.error`, `.code` and `context.error`.
    public var errorCodes: [String]
    /// HTTP statuses that the stage's target answered, the nearest first.
    public var httpStatuses: [Int]
    /// `context.judgmentStatus`
    public var judgment: String?
    /// `context.exception.details.kind`: HTTP, NETWORK, UNEXPECTED.
    public var exceptionKind: String?
    /// `context.exception.exceptionType`
    public var exceptionType: String?
    /// Descriptions out of `context.expressionEvaluationSummary`.
    public var expressionErrors: [String]
    /// Human texts, the best source first.
    public var texts: [String]
    /// Executions that this stage started and waited for.
    public var children: [ExecutionReport]

    public init(
        id: String, parentID: String? = nil, type: String, status: String, endedAt: Int64? = nil, failedTasks: [String] = [],
        errorCodes: [String] = [], httpStatuses: [Int] = [], judgment: String? = nil, exceptionKind: String? = nil,
        exceptionType: String? = nil, expressionErrors: [String] = [], texts: [String] = [], children: [ExecutionReport] = []
    ) {
        self.id = id
        self.parentID = parentID
        self.type = type
        self.status = status
        self.endedAt = endedAt
        self.failedTasks = failedTasks
        self.errorCodes = errorCodes
        self.httpStatuses = httpStatuses
        self.judgment = judgment
        self.exceptionKind = exceptionKind
        self.exceptionType = exceptionType
        self.expressionErrors = expressionErrors
        self.texts = texts
        self.children = children
    }
}
