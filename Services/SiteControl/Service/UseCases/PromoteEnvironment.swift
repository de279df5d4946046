import Encoding
import Postgres
import SiteControlDomain

/// POST /api/environments/{id}/promote and /drift-check: code and unprotected data up to production, and the measurement that
/// has to come before.
struct PromoteEnvironment: Sendable {
    let desk: MutationDesk

    /// The job is the target's; the source is in its payload. Nobody can override a gate.
    func callAsFunction(_ source: UUID, to target: UUID, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            let (from, to) = try await both(source, target)
            try Self.checkRelation(from.environment, to.environment)
            guard to.siteStatus == .active else { throw Refusal.conflict(.siteNotActive) }
            guard from.environment.status == .active else { throw Refusal.conflict(.environmentState) }
            try to.check(JobType.environmentPromote.definition)
            _ = try desk.backupPlanner()
            let facts = try await desk.database.one(FreshnessFacts.of(target))
            let gates = PromotionGates(
                driftStatus: from.environment.driftStatus, checkedAt: from.environment.driftCheckedAt?.microseconds,
                backedUpAt: facts.backedUpAt?.microseconds, lastChange: facts.lastChange?.microseconds)
            guard let backup = facts.backup, case .open = gates.verdict(desk.freshness, now: facts.now.microseconds) else {
                throw Refusal.conflict(gates.verdict(desk.freshness, now: facts.now.microseconds).reason)
            }
            var mutation = desk.mutation(
                .environmentPromote, to,
                ["source_environment_id": .string(source.description), "backup_id": .string(backup.description)], by: actor)
            mutation.conditions = [from.environment.unchanged, facts.unchanged(of: target)]
            return mutation
        }
    }

    /// Compares production with what it was when the environment was made from it.
    func checkDrift(_ environment: UUID, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            guard let scope = try await desk.database.first(EnvironmentScope.of(environment)) else {
                throw Refusal.notFound("environment")
            }
            guard scope.environment.type != .production else { throw Refusal.conflict(.environmentNotPromotable) }
            let production = try await desk.database.one(EnvironmentScope.production(beside: environment))
            try scope.check(JobType.driftCheck.definition)
            try production.check(JobType.driftCheck.definition)
            var mutation = desk.mutation(
                .driftCheck, scope, ["preset": .string(scope.environment.preset.rawValue)], by: actor)
            mutation.conditions = [production.environment.unchanged]
            return mutation
        }
    }

    private func both(_ source: UUID, _ target: UUID) async throws -> (EnvironmentScope, EnvironmentScope) {
        guard let from = try await desk.database.first(EnvironmentScope.of(source)) else {
            throw Refusal.notFound("environment")
        }
        guard let to = try await desk.database.first(EnvironmentScope.of(target)) else {
            throw Refusal.notFound("target environment")
        }
        return (from, to)
    }

    /// What could never be promoted, in whatever state it is.
    private static func checkRelation(_ source: EnvironmentRow, _ target: EnvironmentRow) throws(Refusal) {
        let problem: String
        if source.type == .production {
            problem = "must be above the environment that is promoted, which is production itself"
        } else if source.id == target.id {
            problem = "must be another environment"
        } else if source.siteID != target.siteID {
            problem = "must be an environment of the same site"
        } else if target.type != .production {
            problem = "must be a production environment"
        } else {
            return
        }
        throw .invalidFields([FieldProblem(pointer: "/target_environment_id", kind: .invalid, message: problem)])
    }
}

extension PromotionGates.Verdict {
    /// Where there is no backup at all, the backup's gate is the one that is unmet.
    fileprivate var reason: ConflictReason {
        switch self {
        case .driftGateUnmet: .driftGateUnmet
        case .backupGateUnmet, .open: .backupGateUnmet
        }
    }
}
