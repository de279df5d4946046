import Encoding
import HTTP
import ObjectStore
import ServiceKit
import ValidationDecisionDomain

typealias ValidationRoute = Route<ValidationRole>

/// The operations of the service. The table is equal to `contracts/validation-decision.openapi.yaml`; a test compares them.
struct ValidationAPI: Sendable {
    let limits: ArtifactLimits
    let envelope: DecisionEnvelope
    let audit: AuditStore
    let judge: JudgeReference

    /// What any request of the API may be answered with, beside its own statuses.
    private static let common = [401, 403, 500]

    var routes: [ValidationRoute] {
        [
            Route(.post, "/api/v1/validate/migration", "validateMigration", needs: .validate,
                statuses: [200, 400] + Self.common, migration),
            Route(.post, "/api/v1/validate/replication", "validateReplication", needs: .validate,
                statuses: [200, 400] + Self.common, replication),
            Route(.post, "/api/v1/validate/replication/ref", "validateReplicationReference", needs: .validate,
                statuses: [200, 400] + Self.common, reference),
            Route(.get, "/api/v1/audit/logs", "listAuditRecords", needs: .readLog,
                statuses: [200, 400] + Self.common, auditLogs),
        ]
    }

    /// T1.
    private func migration(_ request: Request, _ context: RequestContext) async -> Response {
        do throws(IntakeError) {
            let intake = try await MigrationIntake(limits: limits).read(request)
            let evaluation = MigrationPolicy.evaluate(intake.input)
            return await envelope.answer(Conclusion(.migration, evaluation, intake), context)
        } catch {
            return await envelope.answer(unreadable(.migration, .multipart, error.message), context)
        }
    }

    /// T2, upload.
    private func replication(_ request: Request, _ context: RequestContext) async -> Response {
        do throws(IntakeError) {
            let intake = try await ReplicationIntake(limits: limits).read(request)
            let evaluation = ReplicationPolicy.evaluate(intake.input)
            return await envelope.answer(Conclusion(.replication, evaluation, intake), context)
        } catch {
            return await envelope.answer(unreadable(.replication, .multipart, error.message), context)
        }
    }

    /// T2, by reference.
    private func reference(_ request: Request, _ context: RequestContext) async -> Response {
        do throws(BodyError) {
            let bytes = try await request.body.collect(upTo: limits.documentBytes)
            let manifest = ReferenceDocument(bytes, contentType: request.header("content-type"), limits: limits)
            return await envelope.answer(await judge(manifest), context)
        } catch {
            return await envelope.answer(unreadable(.replication, .referenceManifest, error.message), context)
        }
    }

    private func unreadable(_ scenario: Scenario, _ kind: BodyKind, _ message: String) -> Conclusion {
        Conclusion(scenario, .unparseableBody(message, of: kind))
    }

    private func auditLogs(_ request: Request, _ context: RequestContext) async throws -> Response {
        let query = try AuditQuery(request)
        // One more than asked for tells whether there is a next page.
        var records = try await audit.list(query.filter, limit: query.limit + 1)
        let hasMore = records.count > query.limit
        if hasMore { records.removeLast() }
        var response = Response(.ok, contentType: "application/json", AuditListDocument(records: records).bytes)
        if hasMore, let last = records.last {
            // Relative, so that it holds behind any proxy.
            let next = "/api/v1/audit/logs?\(query.text(before: last.sequence))"
            response.fields.add("Link", "<\(next)>; rel=\"next\"")
        }
        return response
    }
}
