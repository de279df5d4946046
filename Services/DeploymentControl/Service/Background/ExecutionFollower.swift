import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit

/// Learns from the engine what became of running deployments, for readers, for the lock and for the poller alike.
///
/// A look is claimed by a row's clock before it is made: however many instances and readers there are, the engine is asked once
/// in a while only. A terminal record is never looked at again.
struct ExecutionFollower: Sendable {
    let database: Database
    let engine: any Engine
    let timings: Timings
    let logger: Logger

    /// A record for a reader: looked at where it is active and the last look is old enough.
    /// - Returns: the record as it stands, and whether the engine could not be asked.
    func refreshed(
        _ row: StoredDeployment, _ call: EngineCall
    ) async throws -> (row: StoredDeployment, isStale: Bool) {
        guard row.state == .active, row.lookAge.map({ $0 >= timings.minimumLookAge }) ?? true else { return (row, false) }
        guard let claimed = try await claimLook(row.id), let execution = claimed.execution else {
            // Someone else is looking, or has just done so.
            return (try await find(row.id) ?? row, false)
        }
        let outcome = await engine.look(at: execution.id, call)
        let isStale = if case .noAnswer = outcome { true } else { false }
        try await apply(outcome, to: claimed, isPoll: false)
        return (try await find(row.id) ?? claimed, isStale)
    }

    /// Looks at the deployment that holds the lock, where the last look is old enough.
    /// - Returns: whether it holds the lock no longer.
    func refreshHolder(_ call: EngineCall) async -> Bool {
        do {
            guard let holder = try await database.first(Self.holder) else { return false }
            return try await refreshed(holder, call).row.state.isTerminal
        } catch {
            logger.warn("the lock's holder was not refreshed", .error(error))
            return false
        }
    }

    /// Takes in what a look has shown.
    func apply(_ outcome: LookOutcome, to row: StoredDeployment, isPoll: Bool) async throws {
        switch outcome {
        case .seen(.running): try await noteAnswer(row)
        case .seen(.unrecognised(let status)):
            logger.warn(
                "unknown execution status", .text("deployment", row.id.description), .text("status", status))
            try await noteAnswer(row)
        case .seen(.succeeded): try await succeed(row)
        case .seen(.failed(let findings)): try await fail(row, findings, "the execution failed")
        case .missing: try await noteMissing(row)
        case .noAnswer(let reason):
            logger.warn(
                "engine did not answer", .text("deployment", row.id.description), .text("reason", reason))
            if isPoll { try await backOff(row) }
        }
    }

    // MARK: Looks without a change of state

    private func claimLook(_ id: UUID) async throws(DatabaseError) -> StoredDeployment? {
        try await database.first(
            """
            UPDATE deployment SET last_look_at = now()
            WHERE id = \(id) AND state = 'ACTIVE' AND (last_look_at IS NULL
                OR last_look_at <= now() - \(timings.minimumLookAge.inMicroseconds) * interval '1 microsecond')
            RETURNING \(raw: StoredDeployment.columns)
            """ as SQL<StoredDeployment>)
    }

    private func find(_ id: UUID) async throws(DatabaseError) -> StoredDeployment? {
        try await database.first(
            "SELECT \(raw: StoredDeployment.columns) FROM deployment WHERE id = \(id)" as SQL<StoredDeployment>)
    }

    private static var holder: SQL<StoredDeployment> {
        "SELECT \(raw: StoredDeployment.columns) FROM deployment WHERE state = 'ACTIVE'"
    }

    private func noteAnswer(_ row: StoredDeployment) async throws {
        try await database.execute(
            """
            UPDATE deployment SET last_answer_at = now(), failed_polls = 0, missing_count = 0, missing_since = NULL,
                next_poll_at = now() + \(timings.pollInterval.inMicroseconds) * (0.8 + random() * 0.4) * interval '1 microsecond'
            WHERE id = \(row.id) AND state = 'ACTIVE'
            """)
    }

    private func backOff(_ row: StoredDeployment) async throws {
        let pause = min(timings.pollInterval * (1 << min(row.failedPolls, 10)), timings.pollPauseMax)
        try await database.execute(
            """
            UPDATE deployment SET failed_polls = failed_polls + 1,
                next_poll_at = now() + \(pause.inMicroseconds) * (0.8 + random() * 0.4) * interval '1 microsecond'
            WHERE id = \(row.id) AND state = 'ACTIVE'
            """)
    }

    /// 404 once may be a replica that lags; often enough, and for long enough, the execution has vanished.
    private func noteMissing(_ row: StoredDeployment) async throws {
        let seen = try await database.first(
            """
            UPDATE deployment SET missing_count = missing_count + 1, missing_since = coalesce(missing_since, now()),
                next_poll_at = now() + \(timings.pollInterval.inMicroseconds) * (0.8 + random() * 0.4) * interval '1 microsecond'
            WHERE id = \(row.id) AND state = 'ACTIVE'
            RETURNING missing_count, now() - missing_since >= \(timings.missingSpread.inMicroseconds) * interval '1 microsecond'
            """ as SQL<Columns<Int, Bool>>)
        guard let (count, isSpread) = seen?.values, count >= timings.missingLooks, isSpread else { return }
        try await fail(row, [.unconfirmed], "the execution has vanished")
    }

    // MARK: Ends

    /// ACTIVE → SUCCEEDED; where it undid another deployment, that one → ROLLED_BACK, in the same transaction.
    private func succeed(_ row: StoredDeployment) async throws {
        let hasChanged = try await database.transaction { transaction in
            try await Self.lock(row, in: transaction)
            let changed = try await transaction.execute(
                """
                UPDATE deployment SET state = 'SUCCEEDED', finished_at = now(), updated_at = now(), last_answer_at = now()
                WHERE id = \(row.id) AND state = 'ACTIVE'
                """)
            guard changed == 1 else { return false }
            try await Self.note(row.id, .active, .succeeded, row, in: transaction)
            guard let target = row.rollbackOf else { return true }
            let before = try await transaction.first(
                "SELECT state FROM deployment WHERE id = \(target)" as SQL<String>)
            guard let before = before.flatMap(DeploymentState.init), let after = before.after(.rollbackSucceeded) else {
                return true
            }
            let marked = try await transaction.execute(
                """
                UPDATE deployment SET state = \(after.rawValue), rolled_back_at = now(), updated_at = now()
                WHERE id = \(target) AND state = \(before.rawValue)
                """)
            if marked == 1 { try await Self.note(target, before, after, row, in: transaction) }
            return true
        }
        if hasChanged { logger.info("deployment succeeded", .text("deployment", row.id.description)) }
    }

    /// ACTIVE → FAILED, with its failures.
    private func fail(_ row: StoredDeployment, _ findings: [FailureFinding], _ reason: String) async throws {
        let hasChanged = try await database.transaction { transaction in
            try await Self.lock(row, in: transaction)
            guard try await Ending.fail(row.id, findings, in: transaction) else { return false }
            try await Self.note(row.id, .active, .failed, row, in: transaction)
            return true
        }
        if hasChanged {
            logger.info("deployment failed", .text("deployment", row.id.description), .text("reason", reason))
        }
    }

    /// Rows in the order of their numbers, so that no two of these wait for each other.
    private static func lock(_ row: StoredDeployment, in transaction: Transaction) async throws {
        let ids = [row.id] + (row.rollbackOf.map { [$0] } ?? [])
        _ = try await transaction.query(
            "SELECT id FROM deployment WHERE id = ANY (\(ids)) ORDER BY seq FOR UPDATE" as SQL<UUID>)
    }

    private static func note(
        _ id: UUID, _ before: DeploymentState, _ after: DeploymentState, _ row: StoredDeployment,
        in transaction: Transaction
    ) async throws {
        try await AuditTrail.append(
            AuditEvent(
                requestID: row.requestID, actor: "system", role: "", action: "STATE_CHANGED", targetType: "deployment",
                targetID: id.description, outcome: after == .failed ? .failed : .success,
                summary: "\(before.rawValue) to \(after.rawValue): \(row.service) \(row.version)"), in: transaction)
    }
}
