import Encoding
import Postgres
import SiteControlDomain

/// POST /api/sites/{id}/environments: a copy of an environment of the same site.
struct CreateEnvironment: Sendable {
    let desk: MutationDesk

    struct Draft: Sendable {
        let name: DisplayName
        let slug: Slug
        let type: EnvironmentType
        let preset: PromotionPreset
        /// nil for the site's primary environment.
        let source: UUID?
    }

    func callAsFunction(_ site: UUID, _ draft: Draft, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            guard let facts = try await desk.database.first(Facts.read(site, draft)) else { throw Refusal.notFound("site") }
            let source = try await source(of: site, draft.source)
            if draft.type == .production { throw Refusal.conflict(.productionEnvironmentExists) }
            if facts.isSlugTaken { throw Refusal.conflict(.slugTaken) }
            guard source.siteStatus == .active else { throw Refusal.conflict(.siteNotActive) }
            guard source.environment.status == .active else { throw Refusal.conflict(.environmentState) }
            guard source.nodeStatus == .active else { throw Refusal.conflict(.nodeNotActive) }
            let environment = UUID.random()
            let preview = try PreviewAddress.of(environment, domain: facts.previewDomain, nodeIP: facts.nodeIP)
            return AcceptedMutation(
                job: .random(), type: .environmentCreate, site: site, environment: environment,
                node: source.environment.nodeID,
                payload: ["source_environment_id": .string(source.environment.id.description)],
                maxAttempts: desk.maxAttempts, actor: actor, resource: .environment, resourceID: environment,
                guardedBy: source.unchanged, rows: [Self.row(draft, environment, source.environment, preview)])
        }
    }

    private func source(of site: UUID, _ id: UUID?) async throws -> EnvironmentScope {
        let sql = id.map { EnvironmentScope.of($0) } ?? EnvironmentScope.primary(of: site)
        guard let source = try await desk.database.first(sql) else { throw Refusal.notFound("source environment") }
        guard source.environment.siteID == site else {
            throw Refusal.invalidFields([
                FieldProblem(
                    pointer: "/source_environment_id", kind: .invalid, message: "must be an environment of this site")
            ])
        }
        return source
    }

    private static func row(
        _ draft: Draft, _ id: UUID, _ source: EnvironmentRow, _ preview: PreviewURL
    ) -> SQLFragment {
        """
        environment AS (
            INSERT INTO environments
                (id, site_id, name, slug, environment_type, status, node_id, source_environment_id, promotion_preset,
                preview_url)
            SELECT \(id), \(source.siteID), \(draft.name.text), \(draft.slug.text), \(draft.type), 'cloning',
                \(source.nodeID), \(source.id), \(draft.preset), \(preview.text) FROM job)
        """
    }

    private struct Facts: PostgresRow {
        let isSlugTaken: Bool
        let previewDomain: String?
        /// Of the node that the source is on; nil where there is none.
        let nodeIP: String?

        init(_ row: inout RowReader) throws(RowError) {
            isSlugTaken = try row.next()
            previewDomain = try row.next()
            nodeIP = try row.next()
        }

        static func read(_ site: UUID, _ draft: Draft) -> SQL<Facts> {
            """
            SELECT EXISTS (SELECT FROM environments WHERE site_id = sites.id AND slug = \(draft.slug.text)),
                (SELECT value FROM settings WHERE key = 'preview_domain'),
                (SELECT host(nodes.public_ip) FROM environments JOIN nodes ON nodes.id = environments.node_id
                    WHERE environments.id = coalesce(\(draft.source), sites.primary_environment_id))
            FROM sites WHERE sites.id = \(site)
            """
        }
    }
}
