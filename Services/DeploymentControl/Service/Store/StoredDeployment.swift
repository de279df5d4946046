import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit
import Crypto

/// A row of `deployment`, a reservation or a record.
struct StoredDeployment: PostgresRow {
    let id: UUID
    let client: String
    let role: String
    let requestID: String
    let service: String
    let environment: String
    let version: String
    let changeSummary: String
    let state: DeploymentState
    let kind: DeploymentKind
    let rollbackOf: UUID?
    let execution: StartedExecution?
    let application: String
    let claim: OwnedClaim
    let quotaUnit: QuotaUnit
    let createdAt: Timestamp
    let updatedAt: Timestamp
    let acceptedAt: Timestamp?
    let finishedAt: Timestamp?
    let rolledBackAt: Timestamp?
    let lastAnswerAt: Timestamp?
    let failedPolls: Int
    let missingCount: Int
    let missingSince: Timestamp?
    /// Time since the last look was begun, by the database's clock; nil before the first.
    let lookAge: Duration?
    /// The database's clock at the read.
    let readAt: Timestamp

    static let columns: StaticString = """
        deployment.id, deployment.client, deployment.role, deployment.request_id, deployment.service, \
        deployment.environment, deployment.version, deployment.change_summary, deployment.state, deployment.kind, \
        deployment.rollback_of, deployment.execution_id, deployment.execution_url, deployment.application, \
        deployment.claim_scope, deployment.claim_owner, deployment.quota, deployment.quota_day::text, \
        deployment.created_at, deployment.updated_at, deployment.accepted_at, deployment.finished_at, \
        deployment.rolled_back_at, deployment.last_answer_at, deployment.failed_polls, deployment.missing_count, \
        deployment.missing_since, (extract(epoch FROM now() - deployment.last_look_at) * 1000000)::bigint, now()
        """

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        client = try row.next()
        role = try row.next()
        requestID = try row.next()
        service = try row.next()
        environment = try row.next()
        version = try row.next()
        changeSummary = try row.next()
        let state: String = try row.next()
        let kind: String = try row.next()
        rollbackOf = try row.next()
        let executionID: String? = try row.next()
        let executionURL: String? = try row.next()
        application = try row.next()
        let claimScope: [UInt8] = try row.next()
        let claimOwner: UUID = try row.next()
        let quota: String = try row.next()
        let quotaDay: String = try row.next()
        createdAt = try row.next()
        updatedAt = try row.next()
        acceptedAt = try row.next()
        finishedAt = try row.next()
        rolledBackAt = try row.next()
        lastAnswerAt = try row.next()
        failedPolls = try row.next()
        missingCount = try row.next()
        missingSince = try row.next()
        let lookAge: Int64? = try row.next()
        readAt = try row.next()
        // The schema's constraints allow the enums' values only.
        self.state = DeploymentState(rawValue: state) ?? .pending
        self.kind = DeploymentKind(rawValue: kind) ?? .rollForward
        execution = executionID.flatMap { id in executionURL.map { StartedExecution(id: id, url: $0) } }
        claim = OwnedClaim(scope: Digest32(claimScope) ?? SHA256.hash(""), owner: claimOwner)
        quotaUnit = QuotaUnit(client: client, quota: quota, day: quotaDay)
        self.lookAge = lookAge.map { .microseconds($0) }
    }

    /// As it may be shown; nil for a reservation.
    func record(failures: [NormalizedFailure]) -> DeploymentRecord? {
        guard state != .pending, let execution else { return nil }
        return DeploymentRecord(
            id: id.description, service: service, environment: environment, version: version,
            changeSummary: changeSummary, state: state, rollbackOf: rollbackOf?.description, executionID: execution.id,
            executionURL: execution.url, createdAt: createdAt.microseconds, updatedAt: updatedAt.microseconds,
            failures: failures)
    }

    /// Only these can have failures.
    var mayHaveFailures: Bool { state == .failed || state == .rolledBack }
}
