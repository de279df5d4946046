import Encoding
import Postgres
import SiteControlDomain

/// POST /api/environments/{id}/domains and DELETE /api/domains/{id}
struct ChangeDomains: Sendable {
    let desk: MutationDesk

    func add(_ hostname: Hostname, to environment: UUID, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            guard let scope = try await desk.database.first(EnvironmentScope.of(environment)) else {
                throw Refusal.notFound("environment")
            }
            let names = try await desk.database.one(Names.read(hostname))
            if names.isTaken(hostname) { throw Refusal.conflict(.hostnameTaken) }
            try scope.check(JobType.domainAdd.definition)
            let domain = UUID.random()
            let payload: JSONValue = [
                "domain_id": .string(domain.description), "make_primary": .bool(scope.environment.primaryDomainID == nil),
            ]
            return desk.mutation(
                .domainAdd, scope, payload, by: actor, on: (.domain, domain),
                rows: [
                    """
                    domain AS (
                        INSERT INTO domains (id, environment_id, hostname, tls_status)
                        SELECT \(domain), \(environment), \(hostname.text), 'pending' FROM job)
                    """
                ])
        }
    }

    /// The domain stays listed until its job has succeeded.
    func remove(_ domain: UUID, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            guard let scope = try await desk.database.first(EnvironmentScope.withDomain(domain)) else {
                throw Refusal.notFound("domain")
            }
            try scope.check(JobType.domainRemove.definition)
            let payload: JSONValue = [
                "domain_id": .string(domain.description), "was_primary": .bool(scope.environment.primaryDomainID == domain),
            ]
            return desk.mutation(.domainRemove, scope, payload, by: actor, on: (.domain, domain))
        }
    }

    /// Which names are spoken for.
    private struct Names: PostgresRow {
        let isAttached: Bool
        let panelDomain: String?
        let previewDomain: String?

        init(_ row: inout RowReader) throws(RowError) {
            isAttached = try row.next()
            panelDomain = try row.next()
            previewDomain = try row.next()
        }

        static func read(_ hostname: Hostname) -> SQL<Names> {
            """
            SELECT EXISTS (SELECT FROM domains WHERE hostname = \(hostname.text)),
                (SELECT value FROM settings WHERE key = 'control_plane_domain'),
                (SELECT value FROM settings WHERE key = 'preview_domain')
            """
        }

        func isTaken(_ hostname: Hostname) -> Bool {
            if isAttached { return true }
            if let panelDomain, Hostname(panelDomain) == hostname { return true }
            return previewDomain.flatMap { Hostname($0) }.map { hostname.isWithin($0) } ?? false
        }
    }
}
