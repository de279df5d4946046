import Encoding
import Foundation
import Postgres

/// Rows as the service and its workers write them, for tests that begin where those have been.
extension Database {
    /// An active node.
    func addNode(
        name: String, isLocal: Bool = false, status: String = "active", address: String? = "198.51.100.7"
    ) async throws -> Encoding.UUID {
        let id = Encoding.UUID.fresh()
        try await execute(
            """
            INSERT INTO nodes (id, name, hostname, public_ip, ssh_port, ssh_user, status, is_local)
            VALUES (\(id), \(name), \(name + ".example"), \(address)::text::inet, 22, 'trivet', \(status), \(isLocal))
            """)
        return id
    }

    /// An active site with production and, made from it, a staging environment: both active, each with a healthy release.
    func addSite(_ slug: String, on node: Encoding.UUID) async throws -> TestSite {
        let site = TestSite(id: .fresh(), slug: slug, production: .fresh(), staging: .fresh(), node: node)
        _ = try await group([
            "INSERT INTO sites (id, name, slug, status, primary_environment_id) VALUES (\(site.id), \(slug), \(slug), 'active', \(site.production))",
            Self.environment(site.production, site, "production", source: nil),
            Self.environment(site.staging, site, "staging", source: site.production),
            Self.release(of: site.production), Self.release(of: site.staging),
            "UPDATE environments SET status = 'active', current_release_id = (SELECT id FROM releases WHERE environment_id = environments.id) WHERE site_id = \(site.id)",
        ])
        return site
    }

    private static func environment(
        _ id: Encoding.UUID, _ site: TestSite, _ type: String, source: Encoding.UUID?
    ) -> Command {
        """
        INSERT INTO environments
            (id, site_id, name, slug, environment_type, status, node_id, source_environment_id, promotion_preset, preview_url)
        VALUES (\(id), \(site.id), \(type), \(type), \(type), 'deploying', \(site.node), \(source), 'content-protect',
            \("http://\(id.description.prefix(8)).198-51-100-7.sslip.io"))
        """
    }

    private static func release(of environment: Encoding.UUID) -> Command {
        """
        INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status)
        VALUES (\(Encoding.UUID.fresh()), \(environment), 'upload', 'builtin:wordpress', '/first', 'healthy')
        """
    }

    /// Claims a queued job, as a worker does.
    func startJob(_ id: Encoding.UUID) async throws {
        try await execute(
            """
            UPDATE jobs SET status = 'running', locked_by = 'test:1:1', locked_at = now(), started_at = now(),
                lease_expires_at = now() + interval '1 hour', attempt_count = attempt_count + 1,
                fencing_term = nextval('job_fencing_term') WHERE id = \(id)
            """)
    }

    /// Claims a queued job and ends it, without any other effect.
    func endJob(_ id: Encoding.UUID, _ status: String = "succeeded") async throws {
        try await startJob(id)
        let code = status == "failed" ? "ANSIBLE_HOST_FAILED" : nil
        try await execute(
            """
            UPDATE jobs SET status = \(status), finished_at = clock_timestamp(), locked_by = NULL, locked_at = NULL,
                lease_expires_at = NULL, error_code = \(code), error_message = \(code) WHERE id = \(id)
            """)
    }

    /// A completed backup.
    func addBackup(
        of environment: Encoding.UUID, scope: String = "full", ageSeconds: Int = 0
    ) async throws -> Encoding.UUID {
        let id = Encoding.UUID.fresh()
        try await execute(
            """
            INSERT INTO backups (id, environment_id, backup_scope, status, storage_path, retention_until, created_at, checksum,
                size_bytes, completed_at)
            VALUES (\(id), \(environment), \(scope), 'completed', \("s3://backups/\(id)"), now() + interval '30 days',
                now() - \(Int64(ageSeconds)) * interval '1 second', \("sha256:" + String(repeating: "a", count: 64)), 1,
                clock_timestamp() - \(Int64(ageSeconds)) * interval '1 second')
            """)
        return id
    }

    /// The result of a drift check.
    func checkDrift(of environment: Encoding.UUID, _ status: String = "clean", ageSeconds: Int = 0) async throws {
        let id = Encoding.UUID.fresh()
        _ = try await group([
            """
            INSERT INTO drift_checks (id, environment_id, promotion_preset, kind, status, db_checksums_json, file_checksums_json)
            VALUES (\(id), \(environment), 'content-protect', 'check', \(status), '{}', '{}')
            """,
            """
            UPDATE environments SET drift_status = \(status), last_drift_check_id = \(id),
                drift_checked_at = clock_timestamp() - \(Int64(ageSeconds)) * interval '1 second' WHERE id = \(environment)
            """,
        ])
    }

    /// How many rows of all tables that a call could have written.
    func rowCounts() async throws -> [Int64] {
        try await one(
            """
            SELECT ARRAY[(SELECT count(*) FROM sites), (SELECT count(*) FROM environments), (SELECT count(*) FROM domains),
                (SELECT count(*) FROM backups), (SELECT count(*) FROM jobs), (SELECT count(*) FROM job_events),
                (SELECT count(*) FROM audit_logs), (SELECT coalesce(sum(state_version), 0)::bigint FROM sites),
                (SELECT coalesce(sum(state_version), 0)::bigint FROM environments)]
            """ as SQL<[Int64]>)
    }
}

/// What ``Postgres/Database/addSite(_:on:)`` has made.
struct TestSite: Sendable {
    let id: Encoding.UUID
    let slug: String
    let production: Encoding.UUID
    let staging: Encoding.UUID
    let node: Encoding.UUID
}

extension Encoding.UUID {
    static func fresh() -> Encoding.UUID {
        var random = SystemRandomNumberGenerator()
        return .v4(using: &random)
    }
}
