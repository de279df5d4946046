import Crypto
import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit

/// What is about to be started, before the lock is taken.
struct LaunchDraft: Sendable {
    var service: RegisteredService
    var environment: String
    var version: Version
    var changeSummary: ChangeSummary
    /// The deployment that is undone.
    var rollbackOf: UUID?

    var kind: DeploymentKind { rollbackOf == nil ? .rollForward : .rollback }
}

/// Writes of a deployment's life up to its acceptance. Each names the state that it expects.
enum Reservation {
    /// Guard 15: takes the global lock by inserting a row in PENDING. Waits for another reservation that is being made.
    /// - Throws: `locked` where a deployment is in flight.
    static func insert(
        _ id: UUID, _ draft: LaunchDraft, _ call: MutationCall, _ claim: OwnedClaim, quota: DailyQuota, _ timings: Timings,
        in transaction: Transaction
    ) async throws {
        let mapping = draft.service.mapping
        let inserted = try await transaction.execute(
            """
            INSERT INTO deployment (id, client, role, request_id, service, environment, version, change_summary, kind,
                rollback_of, application, pipeline, claim_scope, claim_owner, quota, quota_day, next_poll_at)
            VALUES (\(id), \(call.caller.client), \(call.caller.role), \(call.caller.requestID), \(draft.service.name),
                \(draft.environment), \(draft.version.text), \(draft.changeSummary.text), \(draft.kind.rawValue),
                \(draft.rollbackOf), \(mapping.application), \(mapping.pipeline(for: draft.kind)),
                \(claim.scope.bytes), \(claim.owner), \(quota.name), (now() AT TIME ZONE 'UTC')::date,
                now() + \(timings.reconcileAfter.inMicroseconds) * interval '1 microsecond')
            ON CONFLICT DO NOTHING
            """)
        guard inserted == 1 else { throw Refusal.locked(try await holder(on: transaction)) }
    }

    /// Guard 16: under the lock, gives a rollback the version that it goes back to.
    static func choose(_ version: Version, _ summary: ChangeSummary, for id: UUID, in transaction: Transaction) async throws {
        try await transaction.execute(
            """
            UPDATE deployment SET version = \(version.text), change_summary = \(summary.text)
            WHERE id = \(id) AND state = 'PENDING'
            """)
    }

    /// Who holds the lock; nil for nobody and for a reservation.
    static func holder(on database: some Queryable) async throws(DatabaseError) -> LockHolder? {
        let row = try await database.first(
            "SELECT id, service, version, created_at FROM deployment WHERE state = 'ACTIVE'"
                as SQL<Columns<UUID, String, String, Timestamp>>)
        return row.map { LockHolder(id: $0.values.0, service: $0.values.1, version: $0.values.2, since: $0.values.3) }
    }

    /// Whether anything is in flight, reservations included.
    static func isHeld(on database: some Queryable) async throws(DatabaseError) -> Bool {
        try await database.one(
            "SELECT EXISTS (SELECT FROM deployment WHERE state IN ('PENDING', 'ACTIVE'))" as SQL<Bool>)
    }

    /// PENDING → ACTIVE.
    /// - Returns: nil where the reservation is no longer one.
    static func accept(
        _ id: UUID, _ execution: StartedExecution, _ timings: Timings, in transaction: Transaction
    ) async throws(DatabaseError) -> StoredDeployment? {
        try await transaction.first(
            """
            UPDATE deployment SET state = 'ACTIVE', execution_id = \(execution.id), execution_url = \(execution.url),
                accepted_at = now(), last_look_at = now(), last_answer_at = now(), failed_polls = 0, missing_count = 0,
                next_poll_at = now() + \(timings.pollInterval.inMicroseconds) * interval '1 microsecond'
            WHERE id = \(id) AND state = 'PENDING' RETURNING \(raw: StoredDeployment.columns)
            """ as SQL<StoredDeployment>)
    }

    /// PENDING → gone; the quota unit comes back.
    /// - Returns: false where the reservation is no longer one.
    static func remove(_ id: UUID, in transaction: Transaction) async throws(DatabaseError) -> Bool {
        let unit = try await transaction.first(
            """
            DELETE FROM deployment WHERE id = \(id) AND state = 'PENDING' RETURNING client, quota, quota_day::text
            """ as SQL<Columns<String, String, String>>)
        guard let (client, quota, day) = unit?.values else { return false }
        try await DailyQuota.giveBack(QuotaUnit(client: client, quota: quota, day: day), on: transaction)
        return true
    }
}
