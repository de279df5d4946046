import DeploymentControlDomain
import Encoding

/// What this service asks of the delivery engine, in its own words. The one seam behind which raw engine schemas are known.
///
/// No method throws: every way in which the engine can misbehave is a case, because each means something else for the lock, the
/// quota and the idempotency key (reference 7.7). An implementation bounds every call by its own time limits, follows no redirect,
/// and never tries a start again by itself. It logs each call with its outcome, redacted.
protocol Engine: Sendable {
    /// Starts one pipeline run.
    func start(_ order: PipelineOrder, _ call: EngineCall) async -> StartOutcome

    /// Reads one execution.
    func look(at executionID: String, _ call: EngineCall) async -> LookOutcome

    /// Searches an application's executions for the one that a start with this correlation id has made.
    ///
    /// - Parameter notBefore: executions triggered earlier need not be searched.
    func find(correlationID: UUID, application: String, notBefore: Timestamp, _ call: EngineCall) async -> FindOutcome
}

/// On whose behalf the engine is called.
struct EngineCall: Sendable {
    /// `X-Request-Id` of the request or poll cycle.
    let requestID: String
    /// `traceparent`, where a request is continued.
    let traceparent: String?
    /// `X-SPINNAKER-USER`: the client.
    let user: String
}

/// One pipeline run to be started.
struct PipelineOrder: Sendable {
    let application: String
    let pipeline: String
    /// The reservation's id. The engine answers a second start with the same one by the running execution of the first.
    let correlationID: UUID
    /// The caller's key. No effect in the engine.
    let idempotencyKey: String
    let parameters: [(name: String, value: String)]
}

/// An execution that certainly exists.
struct StartedExecution: Sendable, Hashable {
    /// 1 to 128 of `[A-Za-z0-9_-]`.
    let id: String
    /// Absolute, for people: the engine's user interface, or its API where no interface is configured.
    let url: String
}

/// What a start came to.
enum StartOutcome: Sendable, Hashable {
    case started(StartedExecution)
    /// Certainly nothing runs: the reservation goes, the quota unit comes back.
    case notStarted(StartRefusal)
    /// Something may run: the reservation stays until it is reconciled.
    case unclear(StartUncertainty)
}

/// Why certainly nothing was started.
enum StartRefusal: Sendable, Hashable {
    /// Not configured, no connection, no such host, no TLS; or 429. → 503 ENGINE_UNAVAILABLE
    case unavailable
    /// 401, 403. → 502 ENGINE_UNAUTHORIZED
    case unauthorized
    /// 3xx. → 502 ENGINE_MISCONFIGURED
    case misconfigured
    /// Any other 4xx but 408. → 502 ENGINE_CALL_FAILED
    case refused(status: Int)
}

/// Why it cannot be known whether something was started.
enum StartUncertainty: Sendable, Hashable {
    /// 5xx. → 502 ENGINE_CALL_FAILED, outcomeUnknown
    case serverError(status: Int)
    /// No answer in time, 408, or the connection broke after the request was sent. → 504 ENGINE_TIMEOUT, outcomeUnknown
    case noAnswer
    /// 2xx without a usable execution id. → 504 ENGINE_TIMEOUT, outcomeUnknown
    case noExecutionID
}

/// What reading an execution came to.
enum LookOutcome: Sendable, Hashable {
    case seen(ExecutionStatus)
    /// 404: the engine does not know it.
    case missing
    /// Unreachable, 5xx, 401, 403, 3xx, not JSON, empty: nothing was learned. For the log.
    case noAnswer(reason: String)
}

/// An execution's status in the words of this service (reference 7.5).
enum ExecutionStatus: Sendable, Hashable {
    case running
    case succeeded
    /// Never empty.
    case failed([FailureFinding])
    /// A status that nobody knows: no change. For the log.
    case unrecognised(String)
}

/// What a search came to.
enum FindOutcome: Sendable, Hashable {
    case found(StartedExecution)
    /// A clean answer without it.
    case notFound
    case noAnswer(reason: String)
}
