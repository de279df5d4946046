import Encoding
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// Reference 5.9 and 8.6.
@Suite struct SchedulerTests {
    @Test("a site with expired backups gets one clean-up job, once, and not while another job is open")
    func cleanUp() async throws {
        try await JobBed.run { bed in
            let (clean, dirty, busy) = (try await bed.site(), try await bed.site(), try await bed.site())
            _ = try await bed.backup(of: clean.production, .completed)
            let old = [
                try await bed.backup(of: dirty.production, .completed, expired: true),
                try await bed.backup(of: dirty.staging, .completed, expired: true),
            ]
            _ = try await bed.backup(of: dirty.production, .expired, expired: true)
            let later = try await bed.backup(of: busy.production, .completed, expired: true)
            let open = try await bed.enqueue(.cachePurge, busy)

            #expect(try await bed.scheduler().tick() == 1)
            #expect(try await bed.scheduler().tick() == 0)
            let row = try await bed.value(
                """
                SELECT id, site_id, environment_id, node_id, payload_json->'backup_ids' FROM jobs WHERE job_type = 'backup_cleanup'
                """ as SQL<Columns<UUID, UUID, UUID?, UUID, JSONText>>
            ).values
            #expect((row.1, row.2, row.3) == (dirty.site, nil, dirty.node))
            let named = try JSONReader.parse(row.4.utf8).array?.compactMap(\.string) ?? []
            #expect(Set(named) == Set(old.map(\.description)))
            #expect(try await bed.events(row.0) == ["state queued"])
            try await bed.withEngine(ScriptedExecutor.succeeding) {
                try await bed.ending(of: row.0)
                try await bed.ending(of: open)
                for backup in old { #expect(try await bed.status(ofBackup: backup) == "expired") }
                #expect(try await bed.scheduler().tick() == 1)
                for await _ in bed.database.listen("job_event", pollEvery: .milliseconds(100)) {
                    if try await bed.status(ofBackup: later) == "expired" { break }
                }
            }
            #expect(try await bed.value("SELECT count(*) FROM backups WHERE status = 'completed'" as SQL<Int>) == 1)
        }
    }

    @Test("schedulers that tick at once enqueue one job")
    func race() async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            _ = try await bed.backup(of: site.production, .completed, expired: true)
            let enqueued = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 { group.addTask { try await bed.scheduler().tick() ?? 0 } }
                return try await group.reduce(0, +)
            }
            #expect(enqueued == 1)
        }
    }

    @Test("events of jobs that ended long ago are removed, others stay")
    func events() async throws {
        try await JobBed.run { bed in
            let (old, new) = (try await bed.enqueue(.cachePurge, bed.site()), try await bed.enqueue(.cachePurge, bed.site()))
            try await bed.database.execute(
                """
                UPDATE jobs SET status = 'cancelled', finished_at = now() - interval '31 days' WHERE id = \(old)
                """)
            try await bed.database.execute(
                """
                INSERT INTO job_events (job_id, seq, at, kind, data) VALUES (\(old), 2, now() - interval '31 days', 'state', '{}')
                """)
            try await bed.scheduler().tick()
            #expect(try await bed.events(old).isEmpty)
            #expect(try await bed.events(new) == ["state queued"])
        }
    }
}
