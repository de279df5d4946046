import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

/// Takes the bytes that a signed link allows (reference 6.3). The link is the authority: no token, no key.
struct ReceiveArtifact: Sendable {
    let desk: MutationDesk
    /// nil where no links are issued.
    let uploads: UploadDesk?

    func callAsFunction(_ request: Request, _ context: RequestContext) async throws -> Response {
        guard case .signedLinks(let vault, let signer, _)? = uploads?.way, let (link, signature) = UploadLink.read(request),
            signer.isValid(signature, of: link)
        else { throw Refusal.uploadUnauthorized }
        try await desk.killSwitch.refuseIfOn()
        let standing: CapabilityStore.Standing
        do {
            standing = try await admit(link, context)
            try Self.checkHead(request, link.artifact)
        } catch Refusal.artifact(let problem, let message) {
            return Self.turnAway(.artifact(problem, message), context)
        }
        do throws(VaultError) {
            try await vault.receive(request.body, link.artifact)
        } catch {
            throw Refusal.vault(error)
        }
        let isFirst = try await note(standing, link, context.requestIDText)
        var json = JSONWriter()
        json.object { json in
            json.member("artifactRef", vault.reference(to: link.artifact.path))
            json.member("sizeBytes", link.artifact.sizeBytes)
            json.member("sha256", link.artifact.path.sha256)
        }
        return JSONAnswer.response(isFirst ? .created : .ok, json.finish(), context)
    }

    /// The minute limit of the capability's client, then whether the capability still holds.
    private func admit(_ link: UploadLink, _ context: RequestContext) async throws -> CapabilityStore.Standing {
        // A row that is gone was purged long after it expired.
        guard let standing = try await CapabilityStore.find(link.capability, on: desk.database) else {
            throw Refusal.artifact(.capabilityExpired)
        }
        let decision = try await desk.limits.count(.mutate, client: standing.client)
        context.userInfo = RateNote(decision)
        context.note(.text("client", standing.client))
        if !decision.isAllowed { throw Refusal.minuteLimit(decision) }
        if standing.isExpired { throw Refusal.artifact(.capabilityExpired) }
        if standing.state == .used { throw Refusal.artifact(.capabilityUsed) }
        return standing
    }

    /// Refused by its head: the body is not waited for.
    private static func turnAway(_ refusal: Refusal, _ context: RequestContext) -> Response {
        var error = APIError(refusal)
        error.closesConnection = true
        context.note(.text("code", error.code.rawValue))
        var response = error.response(requestID: context.requestIDText)
        response.describeLimit(context)
        return response
    }

    /// What the head says of the body, before a byte of it is read.
    private static func checkHead(_ request: Request, _ artifact: ExpectedArtifact) throws(Refusal) {
        guard request.headerBytes("Content-Length") != nil, let length = request.body.declaredLength else {
            throw .lengthRequired
        }
        guard Int64(length) == artifact.sizeBytes else { throw .artifact(.sizeMismatch) }
        guard let type = request.headerBytes("Content-Type"), type.elementsEqual(artifact.path.type.contentType.utf8) else {
            throw .artifact(.typeMismatch, "Content-Type must be \(artifact.path.type.contentType), without parameters.")
        }
    }

    /// - Returns: whether these were the first bytes of the capability.
    private func note(
        _ standing: CapabilityStore.Standing, _ link: UploadLink, _ requestID: String
    ) async throws -> Bool {
        let path = link.artifact.path
        return try await desk.database.transaction { transaction in
            guard try await CapabilityStore.markUploaded(standing.id, in: transaction) else { return false }
            try await AuditTrail.append(
                AuditEvent(
                    requestID: requestID, actor: standing.client, role: "", action: "ARTIFACT_UPLOADED",
                    targetType: "upload_capability", targetID: standing.id.description, outcome: .success,
                    summary: "uploaded \(path.version) of \(path.service), \(link.artifact.sizeBytes) bytes"),
                in: transaction)
            return true
        }
    }
}
