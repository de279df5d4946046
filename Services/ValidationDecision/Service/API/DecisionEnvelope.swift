import Encoding
import EventLoop
import HTTP
import Postgres
import ServiceKit
import ValidationDecisionDomain

/// The one function through which every answer of this API passes: it records the decision, then says it.
///
/// Fail closed: an answer to `/api/v1/validate/*` leaves only after its record is committed; when it cannot be recorded, the answer is
/// 500 and BLOCK, whatever was decided.
struct DecisionEnvelope: ErrorEnvelope {
    private let writers: PerLoop<AuditWriter>
    private let policyVersion: PolicyVersion
    private let logger: Logger
    private let decisions: DecisionMetrics

    init(_ writers: PerLoop<AuditWriter>, policyVersion: PolicyVersion, logger: Logger, decisions: DecisionMetrics) {
        self.writers = writers
        self.policyVersion = policyVersion
        self.logger = logger
        self.decisions = decisions
    }

    func response(for failure: RequestFailure, context: RequestContext) async -> Response {
        await answer(Conclusion(failure, scenario: Scenario(path: context.path)), context)
    }

    /// Records where it is due, and answers. Cancellation does not stop it: a client that left has been decided about all the same.
    func answer(_ conclusion: Conclusion, _ context: RequestContext) async -> Response {
        let timestamp = Timestamp.now()
        var conclusion = conclusion
        if AuditScope.covers(context.path) {
            do throws(DatabaseError) {
                try await record(conclusion, at: timestamp, context)
            } catch {
                logger.error("audit record not written", .error(error))
                decisions.recordFailed()
                conclusion = Conclusion(
                    conclusion.scenario, .internalFailure("the audit log cannot be written"))
            }
            decisions.count(conclusion)
        }
        context.note(.text("decision", conclusion.evaluation.decision.rawValue))
        let document = ResultDocument(requestID: context.requestID, timestamp: timestamp, conclusion: conclusion)
        return Response(conclusion.status, contentType: "application/json", document.bytes)
    }

    private func record(
        _ conclusion: Conclusion, at timestamp: Timestamp, _ context: RequestContext
    ) async throws(DatabaseError) {
        guard let writer = writers.current else { throw .unavailable(reason: "off the event loops", outcomeUnknown: false) }
        let entry = AuditEntry(
            requestID: context.requestID.description, clientRequestID: context.clientRequestID,
            scenario: conclusion.scenario, verdict: conclusion.evaluation.verdict, timestamp: timestamp.microseconds,
            client: context.identity?.client, endpoint: AuditScope.endpoint(context), status: conclusion.status.code,
            policyVersion: conclusion.policyVersion ?? policyVersion, changeID: conclusion.changeID,
            inputDigest: conclusion.inputDigest)
        try await writer.append(entry)
    }
}

/// Which requests leave a record, and under what name.
enum AuditScope {
    static let prefix = "/api/v1/validate/"

    static func covers(_ path: String?) -> Bool { path?.hasPrefix(prefix) ?? false }

    /// The method and the route's template, never the path that a client chose.
    static func endpoint(_ context: RequestContext) -> String {
        "\(method(context)) \(context.route?.pattern ?? prefix + "*")"
    }

    /// A client may invent methods: only known ones are written down.
    private static func method(_ context: RequestContext) -> String {
        switch context.method {
        case .other?, nil: "OTHER"
        case .some(let method): method.token
        }
    }
}

extension Scenario {
    /// The scenario that a path belongs to, whether or not it is a route.
    init?(path: String?) {
        switch path {
        case "/api/v1/validate/migration": self = .migration
        case "/api/v1/validate/replication", "/api/v1/validate/replication/ref": self = .replication
        default: return nil
        }
    }
}
