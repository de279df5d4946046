import Encoding
import Postgres
import SiteControlDomain

/// An environment with what around it decides whether it may be changed now.
struct EnvironmentScope: PostgresRow {
    let siteStatus: LifecycleStatus
    let siteVersion: Int64
    let nodeStatus: NodeStatus
    let environment: EnvironmentRow

    private static let columns: StaticString = "sites.status, sites.state_version, nodes.status"

    init(_ row: inout RowReader) throws(RowError) {
        siteStatus = try row.next()
        siteVersion = try row.next()
        nodeStatus = try row.next()
        environment = try EnvironmentRow(&row)
    }

    private static func select(_ condition: SQLFragment) -> SQL<EnvironmentScope> {
        """
        SELECT \(raw: columns), \(raw: EnvironmentRow.columns)
        FROM environments JOIN sites ON sites.id = environments.site_id JOIN nodes ON nodes.id = environments.node_id
        WHERE \(condition)
        """
    }

    static func of(_ environment: UUID) -> SQL<EnvironmentScope> { select("environments.id = \(environment)") }

    /// The environment that the site points to.
    static func primary(of site: UUID) -> SQL<EnvironmentScope> {
        select("sites.id = \(site) AND environments.id = sites.primary_environment_id")
    }

    /// The production environment of the same site.
    static func production(beside environment: UUID) -> SQL<EnvironmentScope> {
        select(
            """
            environments.environment_type = 'production'
            AND environments.site_id = (SELECT site_id FROM environments WHERE id = \(environment))
            """)
    }

    static func withDomain(_ domain: UUID) -> SQL<EnvironmentScope> {
        select("environments.id = (SELECT environment_id FROM domains WHERE id = \(domain))")
    }

    /// Site and environment are in states in which a job of this type is accepted, and their node takes jobs.
    func check(_ definition: JobDefinition) throws(Refusal) {
        guard definition.siteStates.contains(siteStatus) else { throw .conflict(.siteNotActive) }
        guard definition.environmentStates.contains(environment.status) else { throw .conflict(.environmentState) }
        guard nodeStatus == .active else { throw .conflict(.nodeNotActive) }
    }

    /// As long as neither has changed.
    var unchanged: SQLFragment {
        """
        environments JOIN sites ON sites.id = environments.site_id JOIN nodes ON nodes.id = environments.node_id
        WHERE environments.id = \(environment.id) AND environments.state_version = \(environment.stateVersion)
            AND sites.state_version = \(siteVersion) AND nodes.status = 'active'
        """
    }
}

extension EnvironmentRow {
    /// As long as this one has not changed either.
    var unchanged: SQLFragment {
        "EXISTS (SELECT FROM environments AS other WHERE other.id = \(id) AND other.state_version = \(stateVersion))"
    }
}
