import Encoding
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// Reference 5.10, 8.5 and 8.7: what follows of itself.
@Suite struct FollowUpTests {
    private static func verdict(_ isHealthy: Bool) -> JobResult {
        .healthChecked(HealthVerdict(isHealthy: isHealthy, http: isHealthy, wpCLI: true, database: true))
    }

    /// All jobs of a site in the order in which they ended.
    private static func history(_ site: JobBed.Site, _ bed: JobBed) async throws -> [String] {
        try await bed.database.query(
            """
            SELECT job_type || ' ' || status || coalesce(' ' || error_code, '') FROM jobs WHERE site_id = \(site.site)
            ORDER BY finished_at, created_at
            """ as SQL<String>)
    }

    private static func allEnded(_ site: JobBed.Site, _ bed: JobBed) async throws {
        for await _ in bed.database.listen("job_event", pollEvery: .milliseconds(100)) {
            let open = try await bed.value(
                "SELECT count(*) FROM jobs WHERE site_id = \(site.site) AND status IN ('queued', 'running')" as SQL<Int>)
            if open == 0 { return }
        }
    }

    @Test("a deployment that is found unhealthy is rolled back to the newest earlier release that is not")
    func rollback() async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            // Newer than the good one, and known to be bad.
            try await bed.database.execute(
                """
                INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status, created_at)
                VALUES (gen_random_uuid(), \(site.production), 'git', 'x', 'bad', 'unhealthy', now() - interval '1 hour')
                """)
            let job = try await bed.enqueue(.environmentUpdate, site, payload: ["scope": "core"])
            let executor = ScriptedExecutor { attempt, _ in
                let result = attempt.type == .healthCheck ? Self.verdict(false) : .plain(for: attempt)
                return AttemptReport(outcome: .succeeded(result), outputTail: "")
            }
            try await bed.withEngine(executor) { try await Self.allEnded(site, bed) }
            #expect(try await Self.history(site, bed)
                == ["env_update succeeded", "health_check succeeded", "release_rollback succeeded"])
            #expect(try await bed.value("SELECT current_release_id FROM environments WHERE id = \(site.production)" as SQL<UUID>)
                == site.release)
            #expect(try await bed.status(ofEnvironment: site.production) == .active)
            #expect(try await bed.value(
                "SELECT health_status FROM releases WHERE path = \("/var/www/releases/\(job)")" as SQL<String>) == "unhealthy")
            let payload = try #require(executor.attempts.last?.payload)
            #expect(payload["target_release_id"]?.string == site.release.description)
            #expect(payload["pre_change_dump"]?.string == "/dump/\(job)")
            // No check after a rollback, no audit row for what follows.
            #expect(try await bed.value("SELECT count(*) FROM audit_logs" as SQL<Int>) == 1)
        }
    }

    @Test("without an earlier release the rollback fails at its start, and the environment does not stay active")
    func noTarget() async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            let check = try await bed.enqueue(.healthCheck, site, payload: ["release_id": .string(site.release.description)])
            let executor = ScriptedExecutor { _, _ in AttemptReport(outcome: .succeeded(Self.verdict(false)), outputTail: "") }
            try await bed.withEngine(executor) {
                #expect(try await bed.ending(of: check).status == .succeeded)
                try await Self.allEnded(site, bed)
            }
            #expect(try await Self.history(site, bed)
                == ["health_check succeeded", "release_rollback failed ROLLBACK_TARGET_MISSING"])
            #expect(executor.attempts.map(\.type) == [.healthCheck])
            #expect(try await bed.status(ofEnvironment: site.production) == .failed)
            #expect(try await bed.status(ofSite: site.site) == .failed)
        }
    }

    @Test("a release that is no longer served is not rolled back")
    func notCurrent() async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            let old = UUID.random()
            try await bed.database.execute(
                """
                INSERT INTO releases (id, environment_id, source_type, source_ref, path)
                VALUES (\(old), \(site.production), 'git', 'x', 'old')
                """)
            let check = try await bed.enqueue(.healthCheck, site, payload: ["release_id": .string(old.description)])
            try await bed.withEngine(ScriptedExecutor(.succeeded(Self.verdict(false)))) { try await bed.ending(of: check) }
            #expect(try await Self.history(site, bed) == ["health_check succeeded"])
            #expect(try await bed.value("SELECT health_status FROM releases WHERE id = \(old)" as SQL<String>) == "unhealthy")
        }
    }

    @Test("drift is measured against the newest baseline, and a promotion makes that of every clone unknown")
    func drift() async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            func status() async throws -> String {
                try await bed.value("SELECT drift_status FROM environments WHERE id = \(site.staging)" as SQL<String>)
            }
            func check(_ measured: ProtectedChecksums) async throws {
                let job = try await bed.enqueue(.driftCheck, site, environment: site.staging)
                try await bed.withEngine(ScriptedExecutor(.succeeded(.driftMeasured(measured)))) {
                    let state = try await bed.ending(of: job)
                    #expect(state.status == .succeeded)
                }
            }
            try await bed.database.execute(DriftEffects.baseline(of: site.staging, JobResult.checksums))
            try await check(JobResult.checksums)
            #expect(try await status() == "clean")
            let other = ProtectedChecksums(tables: [:], trees: JobResult.checksums.trees)
            try await check(other)
            #expect(try await status() == "drifted")
            #expect(try await bed.value(
                """
                SELECT count(*) FROM drift_checks d JOIN environments e ON e.last_drift_check_id = d.id
                WHERE d.kind = 'check' AND d.status = 'drifted' AND d.db_checksums_json = '{}'
                """ as SQL<Int>) == 1)

            let promotion = try await bed.enqueue(
                .environmentPromote, site, payload: ["source_environment_id": .string(site.staging.description)])
            let executor = ScriptedExecutor { attempt, _ in
                let result: JobResult =
                    attempt.type == .environmentPromote
                    ? .promoted(ChangedRelease(path: "/promoted"), baseline: other) : .plain(for: attempt)
                return AttemptReport(outcome: .succeeded(result), outputTail: "")
            }
            try await bed.withEngine(executor) {
                #expect(try await bed.ending(of: promotion).status == .succeeded)
                try await Self.allEnded(site, bed)
            }
            #expect(try await status() == "unknown")
            try await check(other)
            #expect(try await status() == "clean")
        }
    }

    @Test("nobody's job can slip in between a job and the one that follows it")
    func noGap() async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            let job = try await bed.enqueue(.environmentDeploy, site, payload: ["source_type": "git", "source_ref": "x"])
            let gate = Gate()
            let executor = ScriptedExecutor { attempt, _ in
                if attempt.type == .healthCheck { _ = await gate.pass() }
                return AttemptReport(outcome: .succeeded(.plain(for: attempt)), outputTail: "")
            }
            try await bed.withEngine(executor) {
                let rival = Task {
                    var refused = 0
                    while try await bed.state(job).status.isOpen {
                        do {
                            try await bed.enqueue(.cachePurge, site)
                            Issue.record("a job was accepted for a busy site")
                        } catch Refusal.conflict(.siteBusy) {
                            refused += 1
                        }
                    }
                    return refused
                }
                try await bed.ending(of: job)
                _ = try await rival.value
                await #expect(throws: Refusal.self) { try await bed.enqueue(.cachePurge, site) }
                gate.open()
                try await Self.allEnded(site, bed)
            }
        }
    }
}
