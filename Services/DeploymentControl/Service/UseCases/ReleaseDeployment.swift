import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

/// POST /v1/admin/deployments/{deploymentId}/release: an operator gives up a deployment that is stuck, which frees the lock.
///
/// A running deployment becomes FAILED; a reservation is removed. Without `force` it is refused while the engine says that the
/// execution runs, and for reservations, of which nobody knows what the engine made.
struct ReleaseDeployment: Sendable {
    let database: Database
    let desk: MutationDesk
    let engine: any Engine
    let logger: Logger

    private struct Order {
        let reason: String
        let isForced: Bool
    }

    private static let reasonMax = 240

    func callAsFunction(_ target: String, _ call: MutationCall) async throws -> MutationAnswer {
        let order = Result { try Self.order(call.body) }
        if let row = try await find(target), case .success(let order) = order, !order.isForced {
            try await refuseIfRunning(row, call)
        }
        return try await database.transaction { transaction in
            let claim: OwnedClaim
            switch try await desk.claim(call, on: transaction) {
            case .replay(let stored): return MutationAnswer(stored: stored, isReplay: true)
            case .owned(let owned): claim = owned
            }
            let order = try order.get()
            guard let id = UUID(target), let row = try await Self.locked(id, in: transaction) else {
                throw Refusal.notFound("deployment")
            }
            let outcome = try await end(row, in: transaction)
            let answer = Self.answer(row.id, outcome, order.reason)
            try await desk.idempotency.finish(claim, with: answer, in: transaction)
            try await AuditTrail.append(
                AuditEvent(
                    requestID: call.caller.requestID, actor: call.caller.client, role: call.caller.role,
                    action: "LOCK_RELEASED", targetType: "deployment", targetID: row.id.description, outcome: .success,
                    summary: "\(row.state.rawValue) to \(outcome)\(order.isForced ? ", forced" : ""): \(order.reason)"),
                in: transaction)
            logger.warn("deployment released", .text("deployment", row.id.description), .text("actor", call.caller.client))
            return MutationAnswer(stored: answer, isReplay: false)
        }
    }

    // MARK: Steps

    private static func order(_ body: JSONObject) throws -> Order {
        do {
            return try ObjectReader.read(.object(body), unknownKeys: .ignore) { object in
                let reason = object.field("reason").string(length: 1...reasonMax)
                let isForced = object.optional("force").map { $0.bool() } ?? false
                guard let reason, let isForced else { return nil }
                return Order(reason: reason, isForced: isForced)
            }
        } catch {
            throw Refusal.invalidFields(error.problems)
        }
    }

    private func find(_ target: String) async throws -> StoredDeployment? {
        guard let id = UUID(target) else { return nil }
        return try await database.first(
            "SELECT \(raw: StoredDeployment.columns) FROM deployment WHERE id = \(id)" as SQL<StoredDeployment>)
    }

    private func refuseIfRunning(_ row: StoredDeployment, _ call: MutationCall) async throws {
        switch (row.state, row.execution) {
        case (.pending, _):
            throw Refusal.notReleasable("It is not known yet whether this was started. Say force to give it up all the same.")
        case (.active, let execution?):
            if case .seen(.running) = await engine.look(at: execution.id, Caller.engineCall(call.caller)) {
                throw Refusal.notReleasable("The delivery system is still at it. Say force to give it up all the same.")
            }
        default: break
        }
    }

    private static func locked(_ id: UUID, in transaction: Transaction) async throws -> StoredDeployment? {
        try await transaction.first(
            "SELECT \(raw: StoredDeployment.columns) FROM deployment WHERE id = \(id) FOR UPDATE" as SQL<StoredDeployment>)
    }

    /// - Returns: what became of it.
    private func end(_ row: StoredDeployment, in transaction: Transaction) async throws -> String {
        switch row.state {
        case .pending:
            guard try await Reservation.remove(row.id, in: transaction) else { break }
            try await desk.idempotency.release(row.claim, on: transaction)
            return "REMOVED"
        case .active:
            if try await Ending.fail(row.id, [.unconfirmed], in: transaction) { return DeploymentState.failed.rawValue }
        case .succeeded, .failed, .rolledBack: break
        }
        throw Refusal.notReleasable("This deployment has ended.")
    }

    private static func answer(_ id: UUID, _ outcome: String, _ reason: String) -> StoredResponse {
        var json = JSONWriter()
        json.beginObject()
        json.member("id", id)
        json.member("outcome", outcome)
        json.member("reason", reason)
        json.endObject()
        return StoredResponse(status: 200, fields: ["Content-Type": JSONAnswer.contentType], body: json.finish())
    }
}
