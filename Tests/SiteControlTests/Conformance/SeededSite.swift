import Foundation
import Postgres

/// A site put straight into the database in the states that a test wants, with a production environment and one cloned from it.
struct SeededSite: Sendable {
    let site: String
    let production: String
    let staging: String
    let slug: String
    /// Of production; there is one for staging as well.
    let release: String

    static func newID() -> String { Foundation.UUID().uuidString.lowercased() }
}

extension Panel {
    /// - Parameters: lifecycle states of the three. A state other than `active` still has its release, unless `releases` is false.
    func seed(
        site: String = "active", production: String = "active", staging: String = "active", preset: String = "content-protect",
        releases: Bool = true, node: String? = nil
    ) async throws -> SeededSite {
        let (siteID, productionID, stagingID) = (SeededSite.newID(), SeededSite.newID(), SeededSite.newID())
        let (first, second) = (SeededSite.newID(), SeededSite.newID())
        let slug = "site-\(siteID.prefix(13))"
        func environment(_ id: String, _ slug: String, _ type: String, _ status: String, _ source: String, _ release: String)
            -> String
        {
            """
            INSERT INTO environments (id, site_id, name, slug, environment_type, status, node_id, source_environment_id,
              promotion_preset, preview_url, current_release_id)
            VALUES ('\(id)', '\(siteID)', '\(slug)', '\(slug)', '\(type)', '\(status)', '\(node ?? nodeID)', \(source), '\(preset)',
              'http://\(id.prefix(8)).198-51-100-7.sslip.io', \(releases ? "'\(release)'" : "NULL"))
            """
        }
        func release(_ id: String, _ environment: String) -> String {
            """
            INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status, notes, created_at)
            SELECT '\(id)', '\(environment)', 'upload', 'builtin:wordpress',
              '/var/www/sites/\(siteID)/\(environment)/releases/20260101000000', 'healthy', '6.9', now() - interval '1 day'
            WHERE \(releases)
            """
        }
        try await execute(
            """
            INSERT INTO sites (id, name, slug, status, primary_environment_id)
            VALUES ('\(siteID)', 'Seeded', '\(slug)', '\(site)', '\(productionID)')
            """,
            environment(productionID, "production", "production", production, "NULL", first),
            environment(stagingID, "staging", "staging", staging, "'\(productionID)'", second),
            release(first, productionID), release(second, stagingID))
        return SeededSite(site: siteID, production: productionID, staging: stagingID, slug: slug, release: first)
    }

    /// A backup of `environment`.
    ///
    /// - Parameter age: since its completion, or since its creation where it has none.
    @discardableResult
    func seedBackup(
        _ environment: String, scope: String = "full", status: String = "completed", age: String = "1 minute",
        retention: String = "30 days"
    ) async throws -> String {
        let id = SeededSite.newID()
        let isDone = ["completed", "expired"].contains(status)
        try await execute(
            """
            INSERT INTO backups (id, environment_id, backup_scope, status, storage_type, storage_path, retention_until,
              checksum, size_bytes, created_at, completed_at)
            VALUES ('\(id)', '\(environment)', '\(scope)', '\(status)', 's3', 's3://backups/\(environment)/\(id).tar.gz',
              now() - interval '\(age)' + interval '\(retention)',
              \(isDone ? "'sha256:' || repeat('ab', 32)" : "NULL"), \(isDone ? "4096" : "NULL"), now() - interval '\(age)' - interval '1 second',
              \(isDone ? "now() - interval '\(age)'" : "NULL"))
            """)
        return id
    }

    @discardableResult
    func seedDomain(_ environment: String, _ hostname: String, tls: String = "active", primary: Bool = false) async throws
        -> String
    {
        let id = SeededSite.newID()
        var statements = [
            """
            INSERT INTO domains (id, environment_id, hostname, tls_status, tls_issuer)
            VALUES ('\(id)', '\(environment)', '\(hostname)', '\(tls)', 'letsencrypt')
            """
        ]
        if primary { statements.append("UPDATE environments SET primary_domain_id = '\(id)' WHERE id = '\(environment)'") }
        _ = try await database.group(statements.map { Command(text: $0) })
        return id
    }

    /// A drift record, and what it says in the environment.
    func seedDrift(_ environment: String, _ status: String, age: String = "1 minute", kind: String = "check") async throws {
        let id = SeededSite.newID()
        var statements = [
            """
            INSERT INTO drift_checks (id, environment_id, promotion_preset, kind, status, db_checksums_json, file_checksums_json, checked_at)
            VALUES ('\(id)', '\(environment)', 'content-protect', '\(kind)', '\(kind == "baseline" ? "unknown" : status)',
              '{"wp_posts": {"rows": 3, "checksum": "a"}}', '{"wp-content/uploads": {"files": 2, "checksum": "b"}}',
              now() - interval '\(age)')
            """
        ]
        if kind == "check" {
            statements.append(
                """
                UPDATE environments SET drift_status = '\(status)', drift_checked_at = now() - interval '\(age)',
                  last_drift_check_id = '\(id)' WHERE id = '\(environment)'
                """)
        }
        _ = try await database.group(statements.map { Command(text: $0) })
    }

    /// A node beside the one that every panel has.
    @discardableResult
    func seedNode(_ status: String = "active", ip: String? = "198.51.100.8") async throws -> String {
        let id = SeededSite.newID()
        try await execute(
            """
            INSERT INTO nodes (id, name, hostname, public_ip, ssh_port, ssh_user, status, is_local)
            VALUES ('\(id)', 'node-\(id.prefix(8))', '\(id.prefix(8)).nodes.example', \(ip.map { "'\($0)'" } ?? "NULL"), 22, 'trivet',
              '\(status)', false)
            """)
        return id
    }

    /// A job in the state that a test wants; a finished one ended `age` ago. A running one is on a node of its own, as no two run on one.
    @discardableResult
    func seedJob(
        _ type: String, site: String, environment: String, status: String = "queued", age: String = "1 minute",
        payload: String = "{}", attempts: Int = 0
    ) async throws -> String {
        let id = SeededSite.newID()
        let isFinal = ["succeeded", "failed", "cancelled"].contains(status)
        let node = status == "running" ? try await seedNode() : nodeID
        try await execute(
            """
            INSERT INTO jobs (id, job_type, status, site_id, environment_id, node_id, payload_json, attempt_count,
              locked_by, locked_at, lease_expires_at, fencing_term, started_at, finished_at, error_code, error_message, created_at)
            SELECT '\(id)', '\(type)', '\(status)', '\(site)', '\(environment)', '\(node)', '\(payload)',
              \(status == "queued" ? attempts : 1),
              \(status == "running" ? "'test:1:boot', now(), now() + interval '1 hour', nextval('job_fencing_term')" : "NULL, NULL, NULL, NULL"),
              \(status == "queued" ? "NULL" : "now() - interval '\(age)'"),
              \(isFinal ? "now() - interval '\(age)'" : "NULL"),
              \(status == "failed" ? "'ANSIBLE_PLAY_ERROR', 'it broke'" : "NULL, NULL"),
              now() - interval '\(age)' - interval '1 second'
            """)
        return id
    }
}
