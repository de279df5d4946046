import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit

/// What follows once the engine has an execution, for the caller's request and for the reconciler alike: the record becomes
/// ACTIVE, its answer is stored under the key, the event is noted. One transaction.
struct Acceptance: Sendable {
    let idempotency: IdempotencyStore
    let timings: Timings

    /// - Returns: the answer; nil where the reservation is no longer one.
    func callAsFunction(
        _ id: UUID, _ execution: StartedExecution, in transaction: Transaction
    ) async throws -> StoredResponse? {
        guard let row = try await Reservation.accept(id, execution, timings, in: transaction),
            let record = row.record(failures: [])
        else { return nil }
        let answer = DeploymentDocument(record: record).created
        try await idempotency.finish(row.claim, with: answer, in: transaction)
        try await AuditTrail.append(
            AuditEvent(
                requestID: row.requestID, actor: row.client, role: row.role,
                action: row.kind == .rollback ? "ROLLBACK_SUBMIT" : "DEPLOY_SUBMIT", targetType: "deployment",
                targetID: record.id, outcome: .success,
                summary: "\(row.service) \(row.version) in \(row.environment): \(row.changeSummary)"), in: transaction)
        return answer
    }
}
