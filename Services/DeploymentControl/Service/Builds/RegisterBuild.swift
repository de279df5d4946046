import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

/// Registers an uploaded artifact as a version of a service (reference 2.11, 6.5, 6.7).
///
/// The key is claimed first, the object is measured outside of any transaction, and build, capability, quota and answer commit
/// together.
struct RegisterBuild: Sendable {
    let desk: MutationDesk
    let uploads: UploadDesk
    let quota: DailyQuota

    private var vault: any ArtifactVault { uploads.vault }

    func callAsFunction(_ call: MutationCall) async throws -> MutationAnswer {
        switch try await desk.claim(call, on: desk.database) {
        case .replay(let stored): return MutationAnswer(stored: stored, isReplay: true)
        case .owned(let claim):
            do {
                return MutationAnswer(stored: try await register(call, claim), isReplay: false)
            } catch {
                // Where even this fails, the same request may take the claim over after two minutes.
                try? await desk.idempotency.release(claim, on: desk.database)
                throw error
            }
        }
    }

    private func register(_ call: MutationCall, _ claim: OwnedClaim) async throws -> StoredResponse {
        let fields = try RegistrationFields(call.body)
        guard let service = ServiceName(fields.artifact.service) else { throw Refusal.serviceNotAllowlisted }
        let version = Version(fields.artifact.version)
        let facts = try await BuildStore.facts(service, version, on: desk.database)
        guard facts.isAllowed else { throw Refusal.serviceNotAllowlisted }
        let artifact = try fields.artifact.artifact(of: service, version)
        guard let path = vault.path(of: fields.artifactRef) else { throw Refusal.artifact(.sourceNotAllowed) }
        if let existing = facts.existing { return try await again(existing, artifact, fields.artifactRef, claim) }
        guard path == artifact.path else { throw Refusal.artifact(.sourceNotAllowed) }
        let capability: UUID
        switch try await choose(for: artifact, of: call.caller.client) {
        case .success(let found): capability = found
        case .failure(let problem):
            // What used it up may have been a registration that was not there a moment ago.
            guard problem == .capabilityUsed, let existing = try await BuildStore.find(service, path.version, on: desk.database)
            else { throw Refusal.artifact(problem) }
            return try await again(existing, artifact, fields.artifactRef, claim)
        }
        do throws(VaultError) {
            try await vault.verify(artifact)
        } catch {
            throw Refusal.vault(error)
        }
        return try await desk.database.transaction { transaction in
            try await store(artifact, capability, call, claim, in: transaction)
        }
    }

    private func choose(
        for artifact: ExpectedArtifact, of client: String
    ) async throws -> Result<UUID, ArtifactProblem> {
        let known = try await CapabilityStore.all(for: artifact, of: client, on: desk.database)
        switch CapabilityChoice(among: known.map { .init(isExpired: $0.isExpired, isUsed: $0.state == .used) }) {
        case .usable(let place): return .success(known[place].id)
        case .refused(let problem): return .failure(problem)
        }
    }

    private func again(
        _ existing: BuildRegistration, _ artifact: ExpectedArtifact, _ reference: String, _ claim: OwnedClaim
    ) async throws -> StoredResponse {
        try await desk.database.transaction { transaction in
            try await desk.killSwitch.refuseIfOn(on: transaction)
            return try await repeated(existing, artifact, reference, claim, in: transaction)
        }
    }

    /// Guards 14 and 17 with the effect: all or nothing.
    private func store(
        _ artifact: ExpectedArtifact, _ capability: UUID, _ call: MutationCall, _ claim: OwnedClaim,
        in transaction: Transaction
    ) async throws -> StoredResponse {
        let caller = call.caller
        try await desk.killSwitch.refuseIfOn(on: transaction)
        let reference = vault.reference(to: artifact.path)
        guard let build = try await BuildStore.insert(
            .random(), artifact, reference: reference, capability: capability, client: caller.client, in: transaction)
        else {
            // Another registration was first.
            guard let existing = try await BuildStore.find(artifact.path.service, artifact.path.version, on: transaction)
            else { throw Refusal.artifact(.capabilityUsed) }
            return try await repeated(existing, artifact, reference, claim, in: transaction)
        }
        guard try await CapabilityStore.markUsed(capability, in: transaction) else { throw Refusal.artifact(.capabilityUsed) }
        guard try await quota.consume(caller.client, in: transaction) != nil else {
            throw Refusal.dailyQuota(try await quota.check(caller.client, on: transaction))
        }
        try await AuditTrail.append(
            AuditEvent(
                caller, "BUILD_REGISTER", target: "build", build.id,
                "registered \(build.version) of \(build.service), sha256 \(build.sha256)"),
            in: transaction)
        return try await finish(build, 201, claim, in: transaction)
    }

    /// The version is registered: the same content again is fine, and costs nothing.
    private func repeated(
        _ existing: BuildRegistration, _ artifact: ExpectedArtifact, _ reference: String, _ claim: OwnedClaim,
        in transaction: Transaction
    ) async throws -> StoredResponse {
        guard existing.holds(artifact), existing.artifactRef == reference else { throw Refusal.buildConflict(existing) }
        return try await finish(existing, 200, claim, in: transaction)
    }

    private func finish(
        _ build: BuildRegistration, _ status: Int, _ claim: OwnedClaim, in transaction: Transaction
    ) async throws -> StoredResponse {
        let stored = StoredResponse(
            status: status,
            fields: [
                "Content-Type": JSONAnswer.contentType,
                "Location": "/v1/builds?service=\(build.service)&version=\(build.version)",
            ], body: build.document)
        try await desk.idempotency.finish(claim, with: stored, in: transaction)
        return stored
    }
}
