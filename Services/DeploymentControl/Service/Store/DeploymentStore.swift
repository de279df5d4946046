import Crypto
import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit

/// Reads deployments. Reservations are not shown.
struct DeploymentStore: Sendable {
    let database: Database

    /// A record; nil for an unknown id and for a reservation.
    func find(_ id: UUID) async throws(DatabaseError) -> StoredDeployment? {
        try await database.first(Self.byID(id))
    }

    func record(_ row: StoredDeployment) async throws(DatabaseError) -> DeploymentRecord? {
        row.record(failures: row.mayHaveFailures ? try await failures(of: [row.id], on: database)[row.id] ?? [] : [])
    }

    /// Newest first.
    func list(_ filter: DeploymentFilter, limit: Int) async throws(DatabaseError) -> [DeploymentRecord] {
        var conditions: [SQLFragment] = ["deployment.state <> 'PENDING'"]
        if let service = filter.service { conditions.append("deployment.service = \(service)") }
        if let state = filter.state { conditions.append("deployment.state = \(state.rawValue)") }
        if let before = filter.before {
            conditions.append("(deployment.created_at, deployment.id) < (\(before.createdAt), \(before.id))")
        }
        let rows = try await database.query(
            """
            SELECT \(raw: StoredDeployment.columns) FROM deployment
            WHERE \(SQLFragment.joined(conditions, separator: " AND "))
            ORDER BY deployment.created_at DESC, deployment.id DESC LIMIT \(limit)
            """ as SQL<StoredDeployment>)
        let failed = rows.filter(\.mayHaveFailures).map(\.id)
        let failures = failed.isEmpty ? [:] : try await failures(of: failed, on: database)
        return rows.compactMap { $0.record(failures: failures[$0.id] ?? []) }
    }

    /// What is running now: the latest record of the service that succeeded and was not rolled back.
    func running(_ service: String) async throws(DatabaseError) -> DeploymentRecord? {
        let row = try await database.first(
            """
            SELECT \(raw: StoredDeployment.columns) FROM deployment
            WHERE service = \(service) AND state = 'SUCCEEDED' ORDER BY seq DESC LIMIT 1
            """ as SQL<StoredDeployment>)
        return row?.record(failures: [])
    }

    /// Rollbacks of a deployment, oldest first.
    func rollbacks(of id: UUID) async throws(DatabaseError) -> [StoredDeployment] {
        try await database.query(
            """
            SELECT \(raw: StoredDeployment.columns) FROM deployment
            WHERE rollback_of = \(id) AND state <> 'PENDING' ORDER BY seq
            """ as SQL<StoredDeployment>)
    }

    func failures(
        of ids: [UUID], on database: some Queryable
    ) async throws(DatabaseError) -> [UUID: [NormalizedFailure]] {
        let rows = try await database.query(
            """
            SELECT deployment_id, category, summary, detail, action_hint, observed_at FROM deployment_failure
            WHERE deployment_id = ANY (\(ids)) ORDER BY deployment_id, position
            """ as SQL<FailureRow>)
        return Dictionary(grouping: rows, by: \.deployment).mapValues { $0.map(\.failure) }
    }

    private static func byID(_ id: UUID) -> SQL<StoredDeployment> {
        "SELECT \(raw: StoredDeployment.columns) FROM deployment WHERE id = \(id) AND state <> 'PENDING'"
    }
}

/// Which deployments are wanted. What is nil does not matter.
struct DeploymentFilter: Sendable, Hashable {
    var service: String?
    var state: DeploymentState?
    var before: DeploymentCursor?
}

/// A place in the list: what comes after it is older.
struct DeploymentCursor: Sendable, Hashable {
    let createdAt: Timestamp
    let id: UUID

    init(createdAt: Timestamp, id: UUID) {
        self.createdAt = createdAt
        self.id = id
    }

    /// `1769200000000000.01890000-…`
    init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let microseconds = Int64(parts[0]), (0...253_402_300_799_999_999).contains(microseconds),
            let id = UUID(String(parts[1]))
        else { return nil }
        self.init(createdAt: Timestamp(microseconds: microseconds), id: id)
    }

    var text: String { "\(createdAt.microseconds).\(id)" }
}

private struct FailureRow: PostgresRow {
    let deployment: UUID
    let failure: NormalizedFailure

    init(_ row: inout RowReader) throws(RowError) {
        deployment = try row.next()
        let category: String = try row.next()
        let summary: String = try row.next()
        let detail: String? = try row.next()
        let hint: String = try row.next()
        let observedAt: Timestamp = try row.next()
        failure = NormalizedFailure(
            category: FailureCategory(rawValue: category) ?? .unknown, summary: summary, detail: detail,
            actionHint: hint, observedAt: observedAt.microseconds)
    }
}
