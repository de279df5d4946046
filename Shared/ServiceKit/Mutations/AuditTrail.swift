public import Postgres

/// Who did what, kept where nobody can change it. An event is written in the transaction it tells of; a refusal, which has
/// none, in a statement of its own.
public enum AuditTrail {
    /// Final once released.
    public static let schema = """
        CREATE TABLE audit_event (
            id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at          timestamptz NOT NULL DEFAULT clock_timestamp(),
            request_id  text NOT NULL,
            actor       text NOT NULL,
            role        text NOT NULL,
            action      text NOT NULL CHECK (action <> ''),
            target_type text NOT NULL,
            target_id   text NOT NULL,
            outcome     text NOT NULL CHECK (outcome IN ('SUCCESS', 'DENIED', 'FAILED')),
            summary     text NOT NULL,
            detail      jsonb NOT NULL DEFAULT '{}'
        );
        CREATE INDEX audit_event_at ON audit_event (at);
        CREATE INDEX audit_event_target ON audit_event (target_type, target_id, id);

        """ + AppendOnly.sql(for: "audit_event")

    /// What the serving role needs, and may have.
    public static let grants: [Grant] = [.table("audit_event", [.select, .insert])]

    /// Appends an event. `database` is the transaction of the change that the event tells of.
    public static func append(_ event: AuditEvent, in database: some Queryable) async throws(DatabaseError) {
        try await database.execute(insert(event))
    }

    /// The statement by itself, for a group that commits together.
    public static func insert(_ event: AuditEvent) -> Command {
        """
        INSERT INTO audit_event (request_id, actor, role, action, target_type, target_id, outcome, summary, detail)
        VALUES (\(event.requestID), \(event.actor), \(event.role), \(event.action), \(event.targetType),
                \(event.targetID), \(event.outcome.rawValue), \(event.summary), \(event.detail))
        """
    }
}

/// One event of the audit trail. Holds no secrets: whoever writes it sees to that.
public struct AuditEvent: Sendable, Hashable {
    public enum Outcome: String, Sendable, CaseIterable {
        case success = "SUCCESS"
        case denied = "DENIED"
        case failed = "FAILED"
    }

    public var requestID: String
    /// The client's name; `system` for what a service does by itself.
    public var actor: String
    public var role: String
    /// `DEPLOY_SUBMIT` and the like.
    public var action: String
    public var targetType: String
    public var targetID: String
    public var outcome: Outcome
    /// One sentence for people.
    public var summary: String
    /// A JSON object.
    public var detail: JSONText

    public init(
        requestID: String, actor: String, role: String, action: String, targetType: String, targetID: String,
        outcome: Outcome, summary: String, detail: JSONText = JSONText("{}")
    ) {
        self.requestID = requestID
        self.actor = actor
        self.role = role
        self.action = action
        self.targetType = targetType
        self.targetID = targetID
        self.outcome = outcome
        self.summary = summary
        self.detail = detail
    }

    /// An event of the client that sends a request.
    public init(
        of context: RequestContext, action: String, targetType: String, targetID: String, outcome: Outcome,
        summary: String, detail: JSONText = JSONText("{}")
    ) {
        self.init(
            requestID: context.requestIDText, actor: context.identity?.client ?? "anonymous",
            role: context.identity?.role ?? "", action: action, targetType: targetType, targetID: targetID,
            outcome: outcome, summary: summary, detail: detail)
    }
}
