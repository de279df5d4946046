import Crypto
import DeploymentControlDomain
import Encoding
import EventLoop
import HTTP
import Postgres
import ServiceKit

/// Starts one deployment, forward or back: reservation, engine, outcome (reference 2.3, 8 to 19).
///
/// Everything up to the reservation is one transaction, the idempotency claim included: a refusal leaves nothing behind. The
/// engine is called with no transaction open. From the reservation on, a client that leaves stops nothing; a process that dies
/// leaves the reservation to `Reconciler`.
struct Launch: Sendable {
    let database: Database
    let desk: MutationDesk
    let engine: any Engine
    let follower: ExecutionFollower
    let timings: Timings
    let logger: Logger
    let metrics: DeploymentMetrics

    /// What a use case decides: guards 9 to 13 on the draft, guard 16 under the lock.
    struct Plan: Sendable {
        let quota: DailyQuota
        /// `DEPLOY` or `ROLLBACK`, of audit actions.
        let action: String
        let draft: @Sendable (Transaction) async throws -> LaunchDraft
        let choose: (@Sendable (LaunchDraft, UUID, Transaction) async throws -> LaunchDraft)?
    }

    func callAsFunction(_ call: MutationCall, _ plan: Plan) async throws -> MutationAnswer {
        do {
            let answer = try await launch(call, plan)
            metrics.count(answer.isReplay ? .replayed : .started)
            return answer
        } catch {
            if case Refusal.outcomeUnknown = error { metrics.count(.undecided) } else { metrics.count(.refused) }
            if let refusal = error as? Refusal { noteDenied(refusal, call, plan) }
            throw error
        }
    }

    private func launch(_ call: MutationCall, _ plan: Plan) async throws -> MutationAnswer {
        let begin = MonotonicTime.now()
        let reserved: Reserved
        do {
            reserved = try await reserve(call, plan)
        } catch Refusal.locked {
            // The holder may have ended without anyone having looked.
            guard await follower.refreshHolder(Caller.engineCall(call.caller)) else { throw Refusal.locked(try await holder()) }
            reserved = try await reserve(call, plan)
        }
        switch reserved {
        case .replay(let stored): return MutationAnswer(stored: stored, isReplay: true)
        case .reserved(let ticket):
            guard let loop = Loop.current else { preconditionFailure("requests run on loops") }
            let outcome = await withoutCancellation(on: loop) { await self.run(ticket, call, plan, since: begin) }
            return try outcome.get()
        }
    }

    private func holder() async throws -> LockHolder? { try await Reservation.holder(on: database) }

    // MARK: Guards 8 to 17

    private enum Reserved: Sendable {
        case replay(StoredResponse)
        case reserved(Ticket)
    }

    /// A committed reservation.
    private struct Ticket: Sendable {
        let id: UUID
        let draft: LaunchDraft
        let artifact: RegisteredArtifact?
        let claim: OwnedClaim
    }

    private func reserve(_ call: MutationCall, _ plan: Plan) async throws -> Reserved {
        let id = UUID.random()
        return try await database.transaction { transaction in
            try await transaction.execute("SELECT set_config('lock_timeout', '1s', true)")
            let claim: OwnedClaim
            switch try await desk.claim(call, on: transaction) {
            case .replay(let stored): return .replay(stored)
            case .owned(let owned): claim = owned
            }
            var draft = try await plan.draft(transaction)
            let quota = try await plan.quota.check(call.caller.client, on: transaction)
            if quota.isExhausted { throw Refusal.dailyQuota(quota) }
            do {
                try await Reservation.insert(id, draft, call, claim, quota: plan.quota, timings, in: transaction)
            } catch let error as DatabaseError where error.server?.state == .lockNotAvailable {
                throw Refusal.locked(nil)
            }
            if let choose = plan.choose { draft = try await choose(draft, id, transaction) }
            let artifact = try await ServiceRegistry.artifact(draft.service.name, draft.version.text, on: transaction)
            try await desk.killSwitch.refuseIfOn(on: transaction)
            guard try await plan.quota.consume(call.caller.client, in: transaction) != nil else {
                throw Refusal.dailyQuota(try await plan.quota.check(call.caller.client, on: transaction))
            }
            // Nobody may take the key over before the outcome is known.
            try await desk.idempotency.hold(claim, on: transaction)
            return .reserved(Ticket(id: id, draft: draft, artifact: artifact, claim: claim))
        }
    }

    // MARK: Guards 18 and 19

    private func run(
        _ ticket: Ticket, _ call: MutationCall, _ plan: Plan, since begin: MonotonicTime
    ) async -> Result<MutationAnswer, any Error> {
        // A process that stood still for so long may have been taken for dead.
        let isLate = MonotonicTime.now() - begin > timings.startWithin
        let outcome = isLate ? .notStarted(.unavailable) : await engine.start(order(ticket, call), Caller.engineCall(call.caller))
        do {
            switch outcome {
            case .started(let execution): return .success(try await accept(ticket, execution, call, plan))
            case .notStarted(let cause):
                try await undo(ticket, call, plan)
                return .failure(Refusal.notStarted(cause))
            case .unclear(let cause):
                logger.warn(
                    "start undecided", .text("deployment", ticket.id.description), .text("request_id", call.caller.requestID))
                return .failure(Refusal.outcomeUnknown(cause))
            }
        } catch {
            // The reservation stands; the reconciler ends it.
            logger.error(
                "outcome of a start not stored", .text("deployment", ticket.id.description),
                .text("request_id", call.caller.requestID), .error(error))
            return .failure(error)
        }
    }

    private func order(_ ticket: Ticket, _ call: MutationCall) -> PipelineOrder {
        let mapping = ticket.draft.service.mapping
        return PipelineOrder(
            application: mapping.application, pipeline: mapping.pipeline(for: ticket.draft.kind),
            correlationID: ticket.id, idempotencyKey: call.idempotent.key.text,
            parameters: PipelineParameters.of(
                ticket.draft.kind, deploymentID: ticket.id.description, service: ticket.draft.service.name,
                version: ticket.draft.version.text, engineURL: mapping.engineURL, artifact: ticket.artifact))
    }

    private func accept(
        _ ticket: Ticket, _ execution: StartedExecution, _ call: MutationCall, _ plan: Plan
    ) async throws -> MutationAnswer {
        let acceptance = Acceptance(idempotency: desk.idempotency, timings: timings)
        let accepted = try await database.transaction { transaction in
            try await acceptance(ticket.id, execution, in: transaction)
        }
        if let accepted { return MutationAnswer(stored: accepted, isReplay: false) }
        // The reconciler was faster.
        if let stored = try await desk.idempotency.stored(ticket.claim, on: database) {
            return MutationAnswer(stored: stored, isReplay: false)
        }
        logger.error(
            "an execution runs without a record", .text("deployment", ticket.id.description),
            .text("execution", execution.id))
        throw Refusal.outcomeUnknown(.noAnswer)
    }

    private func undo(_ ticket: Ticket, _ call: MutationCall, _ plan: Plan) async throws {
        try await database.transaction { transaction in
            guard try await Reservation.remove(ticket.id, in: transaction) else { return }
            try await desk.idempotency.release(ticket.claim, on: transaction)
        }
    }

    // MARK: Audit

    /// Best effort, after the answer: a refusal has no transaction.
    private func noteDenied(_ refusal: Refusal, _ call: MutationCall, _ plan: Plan) {
        let error = APIError(refusal)
        guard error.code != .idempotencyInProgress, error.code != .storageUnavailable, let loop = Loop.current else { return }
        let event = AuditEvent(
            requestID: call.caller.requestID, actor: call.caller.client, role: call.caller.role,
            action: "\(plan.action)_DENIED", targetType: "request", targetID: call.idempotent.path,
            outcome: error.status.code >= 500 ? .failed : .denied, summary: "\(error.code.rawValue): \(error.message)")
        loop.spawn { [database] in try? await AuditTrail.append(event, in: database) }
    }
}

extension Caller {
    static func engineCall(_ caller: Caller) -> EngineCall {
        EngineCall(requestID: caller.requestID, traceparent: caller.traceparent, user: caller.client)
    }
}

extension UUID {
    /// Version 4.
    static func random() -> UUID { UUID.v4(random: (SecureRandom.next64(), SecureRandom.next64())) }
}
