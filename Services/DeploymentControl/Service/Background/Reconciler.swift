import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit

/// Finds out what became of starts whose outcome is not known: the engine gave no clear answer, or the process died between
/// the reservation and the answer (reference 7.7).
struct Reconciler: Sendable {
    let database: Database
    let engine: any Engine
    let idempotency: IdempotencyStore
    let timings: Timings
    let logger: Logger

    /// Executions are searched from this long before the reservation on: clocks differ.
    private static let searchMargin: Duration = .seconds(60)
    /// Clean searches without a result that end a reservation.
    private static let cleanSearches = 2

    /// - Parameter row: a reservation that is due, leased to this caller.
    func callAsFunction(_ row: StoredDeployment, _ call: EngineCall) async throws {
        let outcome = await engine.find(
            correlationID: row.id, application: row.application, notBefore: row.createdAt - Self.searchMargin, call)
        switch outcome {
        case .found(let execution): try await accept(row, execution)
        case .notFound: try await noteNotFound(row)
        case .noAnswer(let reason):
            logger.warn("start still undecided", .text("deployment", row.id.description), .text("reason", reason))
            try await wait(row)
        }
    }

    private func accept(_ row: StoredDeployment, _ execution: StartedExecution) async throws {
        let acceptance = Acceptance(idempotency: idempotency, timings: timings)
        let answer = try await database.transaction { try await acceptance(row.id, execution, in: $0) }
        if answer != nil {
            logger.info(
                "undecided start was found running", .text("deployment", row.id.description),
                .text("execution", execution.id))
        }
    }

    /// Counts from the age on at which a start that was made must be known to the engine.
    private func noteNotFound(_ row: StoredDeployment) async throws {
        let count = try await database.first(
            """
            UPDATE deployment SET failed_polls = 0, missing_count = missing_count +
                CASE WHEN created_at <= now() - \(timings.reconcileGiveUp.inMicroseconds) * interval '1 microsecond'
                     THEN 1 ELSE 0 END,
                next_poll_at = now() + \(timings.reconcilePause.inMicroseconds) * interval '1 microsecond'
            WHERE id = \(row.id) AND state = 'PENDING' RETURNING missing_count
            """ as SQL<Int>)
        guard let count, count >= Self.cleanSearches else { return }
        try await database.transaction { transaction in
            guard try await Reservation.remove(row.id, in: transaction) else { return }
            try await idempotency.release(row.claim, on: transaction)
            try await AuditTrail.append(
                AuditEvent(
                    requestID: row.requestID, actor: "system", role: "",
                    action: row.kind == .rollback ? "ROLLBACK_DENIED" : "DEPLOY_DENIED", targetType: "deployment",
                    targetID: row.id.description, outcome: .failed,
                    summary: "the delivery system started nothing: \(row.service) \(row.version)"), in: transaction)
        }
        logger.info("undecided start was not made", .text("deployment", row.id.description))
    }

    /// An answer that says nothing breaks a row of clean ones.
    private func wait(_ row: StoredDeployment) async throws {
        let pause = min(timings.reconcilePause * (1 << min(row.failedPolls, 10)), timings.pollPauseMax)
        try await database.execute(
            """
            UPDATE deployment SET failed_polls = failed_polls + 1, missing_count = 0,
                next_poll_at = now() + \(pause.inMicroseconds) * interval '1 microsecond'
            WHERE id = \(row.id) AND state = 'PENDING'
            """)
    }
}
