import Encoding
import Postgres
import SiteControlDomain

/// The mutations of one environment that need nothing but its own state.
struct ChangeEnvironment: Sendable {
    let desk: MutationDesk

    /// POST /api/environments/{id}/deploy
    func deploy(_ environment: UUID, _ type: SourceType, _ reference: SourceReference, by actor: Actor) async throws -> UUID {
        let payload: JSONValue = ["source_type": .string(type.rawValue), "source_ref": .string(reference.text)]
        return try await accept(.environmentDeploy, environment, payload, by: actor)
    }

    /// PATCH /api/environments/{id}/cache. The flags themselves change when the job succeeds.
    func setCaches(_ environment: UUID, _ flags: CacheFlags, by actor: Actor) async throws -> UUID {
        var payload = JSONObject()
        payload["fastcgi_cache_enabled"] = flags.fastCGI.map { .bool($0) }
        payload["redis_cache_enabled"] = flags.redis.map { .bool($0) }
        return try await accept(.cacheToggle, environment, .object(payload), by: actor)
    }

    /// POST /api/environments/{id}/cache/purge
    func purgeCaches(_ environment: UUID, by actor: Actor) async throws -> UUID {
        try await accept(.cachePurge, environment, [:], by: actor)
    }

    /// POST /api/environments/{id}/updates: after a backup, where no full one is fresh.
    func update(_ environment: UUID, _ updates: UpdateScope, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            let scope = try await checked(.environmentUpdate, environment)
            let planner = try desk.backupPlanner()
            let facts = try await desk.database.one(FreshnessFacts.of(environment))
            guard !facts.hasFreshBackup(desk.freshness) else {
                var mutation = desk.mutation(
                    .environmentUpdate, scope, ["scope": .string(updates.rawValue), "snapshot_backup_id": nil], by: actor)
                mutation.conditions = [facts.unchanged(of: environment)]
                return mutation
            }
            let snapshot = UUID.random()
            return desk.mutation(
                .environmentUpdate, scope,
                ["scope": .string(updates.rawValue), "snapshot_backup_id": .string(snapshot.description)], by: actor,
                rows: [planner.pending(snapshot, of: environment, .full)])
        }
    }

    /// POST /api/environments/{id}/backups
    func backUp(_ environment: UUID, _ content: BackupScope, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            let scope = try await checked(.backupCreate, environment)
            let backup = UUID.random()
            return desk.mutation(
                .backupCreate, scope, ["backup_id": .string(backup.description)], by: actor, on: (.backup, backup),
                rows: [try desk.backupPlanner().pending(backup, of: environment, content)])
        }
    }

    private func accept(
        _ type: JobType, _ environment: UUID, _ payload: JSONValue, by actor: Actor
    ) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            desk.mutation(type, try await checked(type, environment), payload, by: actor)
        }
    }

    private func checked(_ type: JobType, _ environment: UUID) async throws -> EnvironmentScope {
        guard let scope = try await desk.database.first(EnvironmentScope.of(environment)) else {
            throw Refusal.notFound("environment")
        }
        try scope.check(type.definition)
        return scope
    }
}
