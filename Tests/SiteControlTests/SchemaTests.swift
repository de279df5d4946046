import Encoding
import Postgres
import ServiceKit
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// The schema against the domain's tables, on a real server.
@Suite struct SchemaTests {
    @Test("migrations are numbered without a gap")
    func numbers() {
        let migrations = SiteControlService.definition.migrations
        #expect(migrations.map(\.number) == Array(1...migrations.count))
    }

    @Test("a site goes from one state to another exactly where the program says so")
    func sites() async throws {
        try await expect(LifecycleStatus.self, in: "sites", column: "status") { _, from in
            let id = Encoding.UUID.fresh()
            return (id, ["INSERT INTO sites (id, name, slug, status) VALUES (\(id), 'a', \(Self.slug(id)), \(from))"])
        }
    }

    @Test("an environment goes from one state to another exactly where the program says so")
    func environments() async throws {
        try await expect(LifecycleStatus.self, in: "environments", column: "status") { node, from in
            let id = Encoding.UUID.fresh()
            return (id, Self.environment(id, node, from))
        }
    }

    @Test("a job goes from one state to another exactly where the program says so")
    func jobs() async throws {
        try await withSchema { database, node in
            for from in JobStatus.allCases {
                for to in JobStatus.allCases where to != from {
                    let (environment, id) = (Encoding.UUID.fresh(), Encoding.UUID.fresh())
                    // A node of its own: one runs at a time.
                    let node = try await database.addNode(name: id.description)
                    _ = try await database.group(
                        Self.environment(environment, node, .active) + [
                            """
                            INSERT INTO jobs (id, job_type, status, site_id, environment_id, node_id, attempt_count, fencing_term,
                                started_at, locked_by, locked_at, lease_expires_at, finished_at, error_code, error_message)
                            SELECT \(id), 'cache_purge', \(from), site_id, id, node_id, 1, 1, now(),
                                \(from == .running ? "a" : nil), \(Self.moment(from == .running)), \(Self.moment(from == .running)),
                                \(Self.moment(from.isFinal)), \(from == .failed ? "X" : nil), \(from == .failed ? "x" : nil)
                            FROM environments WHERE id = \(environment)
                            """
                        ])
                    let moved = await Self.succeeds(
                        """
                        UPDATE jobs SET status = \(to),
                            attempt_count = attempt_count + CASE WHEN \(to) = 'running' AND status = 'queued' THEN 1 ELSE 0 END,
                            fencing_term = fencing_term + CASE WHEN \(to) = 'running' AND status = 'queued' THEN 1 ELSE 0 END,
                            locked_by = \(to == .running ? "a" : nil), locked_at = \(Self.moment(to == .running)),
                            lease_expires_at = \(Self.moment(to == .running)), finished_at = \(Self.moment(to.isFinal)),
                            error_code = \(to == .failed ? "X" : nil), error_message = \(to == .failed ? "x" : nil)
                        WHERE id = \(id)
                        """, on: database)
                    #expect(moved == from.canBecome(to), "job \(from) to \(to)")
                }
            }
        }
    }

    @Test("a backup goes from one state to another exactly where the program says so")
    func backups() async throws {
        try await withSchema { database, node in
            let environment = Encoding.UUID.fresh()
            _ = try await database.group(Self.environment(environment, node, .active))
            for from in BackupStatus.allCases {
                for to in BackupStatus.allCases where to != from {
                    let id = Encoding.UUID.fresh()
                    let (was, becomes) = (Self.isStored(from), Self.isStored(to))
                    try await database.execute(
                        """
                        INSERT INTO backups (id, environment_id, backup_scope, status, storage_path, retention_until, checksum,
                            size_bytes, completed_at)
                        VALUES (\(id), \(environment), 'db', \(from), \(id.description), now() + interval '1 day',
                            \(was ? Self.checksum : nil), \(was ? Int64(1) : nil), \(Self.moment(was)))
                        """)
                    let moved = await Self.succeeds(
                        """
                        UPDATE backups SET status = \(to), checksum = \(becomes ? Self.checksum : nil),
                            size_bytes = \(becomes ? Int64(1) : nil), completed_at = \(Self.moment(becomes)) WHERE id = \(id)
                        """, on: database)
                    #expect(moved == from.canBecome(to), "backup \(from) to \(to)")
                }
            }
        }
    }

    @Test("a release goes from one state to another exactly where the program says so")
    func releases() async throws {
        try await expect(ReleaseHealth.self, in: "releases", column: "health_status") { node, from in
            let (id, environment) = (Encoding.UUID.fresh(), Encoding.UUID.fresh())
            return (
                id,
                Self.environment(environment, node, .active) + [
                    """
                    INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status)
                    VALUES (\(id), \(environment), 'git', 'a', '/a', \(from))
                    """
                ]
            )
        }
    }

    @Test("a domain goes from one state to another exactly where the program says so")
    func domains() async throws {
        try await expect(TLSStatus.self, in: "domains", column: "tls_status") { node, from in
            let (id, environment) = (Encoding.UUID.fresh(), Encoding.UUID.fresh())
            return (
                id,
                Self.environment(environment, node, .active) + [
                    """
                    INSERT INTO domains (id, environment_id, hostname, tls_status)
                    VALUES (\(id), \(environment), \("\(id).example"), \(from))
                    """
                ]
            )
        }
    }

    @Test("a node goes from one state to another exactly where the program says so")
    func nodes() async throws {
        try await expect(NodeStatus.self, in: "nodes", column: "status") { _, from in
            let id = Encoding.UUID.fresh()
            return (
                id,
                [
                    """
                    INSERT INTO nodes (id, name, hostname, ssh_port, ssh_user, status)
                    VALUES (\(id), \(id.description), \(id.description), 22, 'a', \(from))
                    """
                ]
            )
        }
    }

    @Test("an environment's drift is what a check has found")
    func drift() async throws {
        try await withSchema { database, node in
            let site = try await database.addSite("one", on: node)
            for from in DriftStatus.allCases {
                for to in DriftStatus.allCases where to != from {
                    #expect(from.canBecome(to))
                    if from != .unknown { try await database.checkDrift(of: site.staging, from.rawValue) }
                    let claimed = await Self.succeeds(
                        "UPDATE environments SET drift_status = \(to) WHERE id = \(site.staging)", on: database)
                    // The last check said something else, unless nobody claims to know.
                    #expect(claimed == (to == .unknown), "\(from) to \(to)")
                    if to != .unknown { try await database.checkDrift(of: site.staging, to.rawValue) }
                }
            }
        }
    }

    @Test("the words of each column are those of its enum")
    func words() async throws {
        try await withSchema { database, _ in
            func check<Word: RawRepresentable & CaseIterable>(
                _ table: String, _ column: String, _ type: Word.Type
            ) async throws where Word.RawValue == String {
                let clause = try await database.query(
                    """
                    SELECT pg_get_constraintdef(oid) FROM pg_constraint
                    WHERE conrelid = \(table)::regclass AND contype = 'c' AND conkey = ARRAY[(
                        SELECT attnum FROM pg_attribute WHERE attrelid = \(table)::regclass AND attname = \(column))]
                    """ as SQL<String>)
                // …ANY (ARRAY['active'::text, …])
                let words = clause.joined().split(separator: "'").enumerated().compactMap { $0 % 2 == 1 ? String($1) : nil }
                #expect(Set(words) == Set(type.allCases.map(\.rawValue)), "\(table).\(column)")
            }
            try await check("sites", "status", LifecycleStatus.self)
            try await check("environments", "status", LifecycleStatus.self)
            try await check("environments", "environment_type", EnvironmentType.self)
            try await check("environments", "promotion_preset", PromotionPreset.self)
            try await check("environments", "drift_status", DriftStatus.self)
            try await check("releases", "source_type", SourceType.self)
            try await check("releases", "health_status", ReleaseHealth.self)
            try await check("domains", "tls_status", TLSStatus.self)
            try await check("backups", "backup_scope", BackupScope.self)
            try await check("backups", "status", BackupStatus.self)
            try await check("nodes", "status", NodeStatus.self)
            try await check("jobs", "job_type", JobType.self)
            try await check("jobs", "status", JobStatus.self)
        }
    }

    // MARK: Helpers

    /// Tries every pair of different states on a row of its own.
    private func expect<State: StateMachine & PostgresEncodable>(
        _ type: State.Type, in table: String, column: String,
        _ make: (_ node: Encoding.UUID, _ from: State) -> (Encoding.UUID, [Command])
    ) async throws {
        try await withSchema { database, node in
            for from in State.allCases {
                for to in State.allCases where to != from {
                    let (id, rows) = make(node, from)
                    _ = try await database.group(rows)
                    let moved = await Self.succeeds(
                        "UPDATE \(identifier: table) SET \(identifier: column) = \(to) WHERE id = \(id)", on: database)
                    #expect(moved == from.canBecome(to), "\(table) \(from) to \(to)")
                }
            }
        }
    }

    private func withSchema(_ body: (Database, Encoding.UUID) async throws -> Void) async throws {
        try await withTestDatabase { database in
            _ = try await Migrator(database, migrations: SiteControlService.definition.migrations).migrate()
            try await body(database, try await database.addNode(name: "local", isLocal: true))
        }
    }

    private static func succeeds(_ statement: Command, on database: Database) async -> Bool {
        do {
            return try await database.execute(statement) == 1
        } catch {
            #expect(error.server?.state.code.hasPrefix("23") == true, "\(error)")
            return false
        }
    }

    /// A production environment with a release, and its site.
    private static func environment(
        _ id: Encoding.UUID, _ node: Encoding.UUID, _ status: LifecycleStatus
    ) -> [Command] {
        let (site, release) = (Encoding.UUID.fresh(), Encoding.UUID.fresh())
        return [
            "INSERT INTO sites (id, name, slug, status) VALUES (\(site), 'a', \(slug(site)), 'active')",
            """
            INSERT INTO environments (id, site_id, name, slug, environment_type, status, node_id, promotion_preset, preview_url,
                current_release_id)
            VALUES (\(id), \(site), 'a', 'a', 'production', \(status), \(node), 'content-protect', \(id.description), \(release))
            """,
            """
            INSERT INTO releases (id, environment_id, source_type, source_ref, path)
            VALUES (\(release), \(id), 'upload', 'builtin:wordpress', '/first')
            """,
        ]
    }

    private static func slug(_ id: Encoding.UUID) -> String { "s-" + id.description }
    private static func isStored(_ status: BackupStatus) -> Bool { status == .completed || status == .expired }
    private static func moment(_ isSet: Bool) -> Timestamp? { isSet ? .now() : nil }
    private static let checksum = "sha256:" + String(repeating: "0", count: 64)
}
