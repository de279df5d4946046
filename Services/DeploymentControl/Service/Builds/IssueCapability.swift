import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

/// Permits a client to upload exactly one artifact (reference 2.9, 6.2): one transaction.
struct IssueCapability: Sendable {
    let desk: MutationDesk
    let uploads: UploadDesk
    let quota: DailyQuota
    let lifetime: Duration

    func callAsFunction(_ call: MutationCall) async throws -> MutationAnswer {
        try await desk.database.transaction { transaction in
            switch try await desk.claim(call, on: transaction) {
            case .replay(let stored): return MutationAnswer(stored: try revealed(stored), isReplay: true)
            case .owned(let claim):
                let stored = try await issue(call, in: transaction)
                try await desk.idempotency.finish(claim, with: stored, in: transaction)
                return MutationAnswer(stored: try revealed(stored), isReplay: false)
            }
        }
    }

    private func issue(_ call: MutationCall, in transaction: Transaction) async throws -> StoredResponse {
        let artifact = try await judge(try CapabilityFields(call.body).artifact, in: transaction)
        try await desk.killSwitch.refuseIfOn(on: transaction)
        let client = call.caller.client
        guard try await quota.consume(client, in: transaction) != nil else {
            throw Refusal.dailyQuota(try await quota.check(client, on: transaction))
        }
        let id = UUID.random()
        let reference = uploads.vault.reference(to: artifact.path)
        let insert = CapabilityStore.insert(id, artifact, reference: reference, client: client, lifetime: lifetime)
        let event = AuditEvent(
            call.caller, "CAPABILITY_ISSUED", target: "upload_capability", id.description,
            "may upload \(artifact.path.version) of \(artifact.path.service), \(artifact.sizeBytes) bytes")
        // Whoever is removing the artifact, because nobody needed it, is waited for.
        let lock = "SELECT pg_advisory_xact_lock(\(CapabilityStore.lock(of: reference).key))" as Command
        let outcomes = try await transaction.group([lock, insert.cast(), AuditTrail.insert(event)])
        guard let times = try outcomes[1].first(Columns<Timestamp, Timestamp>.self)?.values else {
            throw Refusal.idempotencyInProgress
        }
        let issued = IssuedCapability(
            id: id, artifact: artifact, artifactRef: reference, origin: uploads.origin, issuedAt: times.0,
            expiresAt: times.1)
        return StoredResponse(status: 201, fields: ["Content-Type": JSONAnswer.contentType], body: issued.recipe)
    }

    /// Guards 10, 12 and 13.
    private func judge(_ fields: ArtifactFields, in transaction: Transaction) async throws -> ExpectedArtifact {
        guard let service = ServiceName(fields.service) else { throw Refusal.serviceNotAllowlisted }
        let version = Version(fields.version)
        let facts = try await BuildStore.facts(service, version, on: transaction)
        guard facts.isAllowed else { throw Refusal.serviceNotAllowlisted }
        let artifact = try fields.artifact(of: service, version)
        // Known to fail later: said now.
        if let existing = facts.existing, !existing.holds(artifact) { throw Refusal.buildConflict(existing) }
        return artifact
    }

    /// What is kept holds no secret; the answer does. The same each time it is given.
    private func revealed(_ stored: StoredResponse) throws -> StoredResponse {
        guard let capability = IssuedCapability(recipe: stored.body) else {
            throw Refusal.vaultUnavailable(reason: "a stored capability cannot be read")
        }
        do throws(VaultError) {
            return StoredResponse(
                status: stored.status, fields: stored.fields, body: try uploads.document(of: capability))
        } catch {
            throw Refusal.vault(error)
        }
    }
}

extension Refusal {
    static func buildConflict(_ existing: BuildRegistration) -> Refusal {
        .buildConflict(artifactRef: existing.artifactRef, sha256: existing.sha256)
    }
}

extension BuildRegistration {
    /// Whether this build has these bytes.
    func holds(_ artifact: ExpectedArtifact) -> Bool {
        sha256 == artifact.path.sha256 && sizeBytes == artifact.sizeBytes && contentType == artifact.path.type.contentType
    }
}

extension ArtifactFields {
    /// Guards 12 and 13, as far as they are about what is declared.
    func artifact(of service: ServiceName, _ version: Version?) throws(Refusal) -> ExpectedArtifact {
        guard let version else {
            throw .invalid("version must be like 1.2.3 or 1.2.3-rc.1, at most \(Version.charactersMax) characters.")
        }
        do throws(ArtifactProblem) {
            let declaration = try ArtifactDeclaration(sizeBytes: sizeBytes, sha256: sha256, contentType: contentType)
            return ExpectedArtifact(
                path: ArtifactPath(service: service, version: version, declaration: declaration),
                sizeBytes: declaration.sizeBytes)
        } catch {
            throw .artifact(error)
        }
    }
}

extension AuditEvent {
    /// A change that a client made.
    init(_ caller: Caller, _ action: String, target: String, _ id: String, _ summary: String) {
        self.init(
            requestID: caller.requestID, actor: caller.client, role: caller.role, action: action, targetType: target,
            targetID: id, outcome: .success, summary: summary)
    }
}
