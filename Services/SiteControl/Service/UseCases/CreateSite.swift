import Encoding
import Postgres
import SiteControlDomain

/// POST /api/sites: a site with its production environment on a node that is active.
struct CreateSite: Sendable {
    let desk: MutationDesk

    struct Draft: Sendable {
        let name: DisplayName
        let slug: Slug
    }

    func callAsFunction(_ draft: Draft, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            let facts = try await desk.database.one(Facts.read(draft.slug))
            if facts.isSlugTaken { throw Refusal.conflict(.slugTaken) }
            guard let node = facts.node else { throw Refusal.conflict(.noActiveNode) }
            let (site, environment) = (UUID.random(), UUID.random())
            let preview = try PreviewAddress.of(environment, domain: facts.previewDomain, nodeIP: facts.nodeIP)
            return AcceptedMutation(
                job: .random(), type: .siteCreate, site: site, environment: environment, node: node, payload: [:],
                maxAttempts: desk.maxAttempts, actor: actor, resource: .site, resourceID: site,
                guardedBy: "nodes WHERE nodes.id = \(node) AND nodes.status = 'active'",
                rows: Self.rows(draft, site, environment, node, preview))
        }
    }

    private static func rows(
        _ draft: Draft, _ site: UUID, _ environment: UUID, _ node: UUID, _ preview: PreviewURL
    ) -> [SQLFragment] {
        [
            """
            site AS (
                INSERT INTO sites (id, name, slug, status, primary_environment_id)
                SELECT \(site), \(draft.name.text), \(draft.slug.text), 'deploying', \(environment) FROM job)
            """,
            """
            environment AS (
                INSERT INTO environments
                    (id, site_id, name, slug, environment_type, status, node_id, promotion_preset, preview_url)
                SELECT \(environment), \(site), 'Production', 'production', 'production', 'deploying', \(node),
                    \(PromotionPreset.contentProtect), \(preview.text) FROM job)
            """,
        ]
    }

    private struct Facts: PostgresRow {
        let isSlugTaken: Bool
        let previewDomain: String?
        let node: UUID?
        let nodeIP: String?

        init(_ row: inout RowReader) throws(RowError) {
            isSlugTaken = try row.next()
            previewDomain = try row.next()
            node = try row.next()
            nodeIP = try row.next()
        }

        /// The local node first, otherwise the one with the fewest environments.
        static func read(_ slug: Slug) -> SQL<Facts> {
            """
            SELECT EXISTS (SELECT FROM sites WHERE slug = \(slug.text)),
                (SELECT value FROM settings WHERE key = 'preview_domain'), chosen.id, host(chosen.public_ip)
            FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
                SELECT id, public_ip FROM nodes WHERE status = 'active'
                ORDER BY is_local DESC, (SELECT count(*) FROM environments WHERE node_id = nodes.id), created_at, id
                LIMIT 1) AS chosen ON true
            """
        }
    }
}

/// The preview address of a new environment.
enum PreviewAddress {
    static func of(_ environment: UUID, domain: String?, nodeIP: String?) throws(Refusal) -> PreviewURL {
        let key = EnvironmentKey(environmentID: environment.description)
        if let domain = domain.flatMap({ Hostname($0) }) { return PreviewURL(key, domain: domain) }
        guard let address = nodeIP.flatMap({ IPv4Address($0) }) else { throw .conflict(.nodePublicIPMissing) }
        return PreviewURL(key, node: address)
    }
}
