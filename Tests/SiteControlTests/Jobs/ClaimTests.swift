import Encoding
import EventLoop
import Locking
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// Reference 5.3 and 5.4: who gets which job, and what is checked once more before it runs.
@Suite struct ClaimTests {
    private static func claim(_ bed: JobBed, limit: Int = 100) async throws -> Claim.Taken {
        try await Claim(database: bed.database, worker: .make(), timings: JobBed.timings)(limit: limit)
    }

    @Test("the oldest due job of every free node is taken, and jobs that are not due are stepped over")
    func order() async throws {
        try await JobBed.run { bed in
            let (first, second, third) = (try await bed.site(), try await bed.site(), try await bed.site())
            let late = try await bed.enqueue(.cachePurge, first)
            let early = try await bed.enqueue(.cachePurge, second)
            let behind = try await bed.enqueue(.cachePurge, bed.site(on: second.node))
            let waiting = try await bed.enqueue(.cachePurge, third)
            try await bed.database.execute("UPDATE jobs SET run_after = now() - interval '1 minute' WHERE id = \(early)")
            try await bed.database.execute("UPDATE jobs SET run_after = now() + interval '1 minute' WHERE id = \(waiting)")

            #expect(try await Self.claim(bed, limit: 1).jobs.map(\.ticket.id) == [early])
            #expect(try await Self.claim(bed).jobs.map(\.ticket.id) == [late])
            #expect(try await Self.claim(bed).count == 0)
            // Its node is free again.
            try await bed.database.execute(
                """
                UPDATE jobs SET status = 'succeeded', finished_at = now(), locked_by = NULL, locked_at = NULL, lease_expires_at = NULL
                WHERE id = \(early)
                """)
            #expect(try await Self.claim(bed).jobs.map(\.ticket.id) == [behind])
            let row = try await bed.value(
                """
                SELECT attempt_count, locked_by LIKE '%:%:%', lease_expires_at > now() + interval '25 seconds', fencing_term > 0
                FROM jobs WHERE id = \(behind)
                """ as SQL<Columns<Int, Bool, Bool, Bool>>
            ).values
            #expect(row == (1, true, true, true))
        }
    }

    @Test("a claim that comes while another one holds the row takes something else")
    func lockedHead() async throws {
        try await JobBed.run { bed in
            let (held, free) = (try await bed.enqueue(.cachePurge, bed.site()), try await bed.enqueue(.cachePurge, bed.site()))
            try await bed.database.transaction { transaction in
                _ = try await transaction.query("SELECT id FROM jobs WHERE id = \(held) FOR UPDATE" as SQL<UUID>)
                #expect(try await Self.claim(bed).jobs.map(\.ticket.id) == [free])
            }
            #expect(try await Self.claim(bed).jobs.map(\.ticket.id) == [held])
        }
    }

    @Test("engines that race never run two jobs of one site or node, and run every job once", arguments: [1, 2])
    func race(seed: UInt64) async throws {
        try await JobBed.run { bed in
            var random = SeededRandom(seed)
            var nodes: [UUID] = []
            for _ in 0..<5 { nodes.append(try await bed.node()) }
            var sites: [JobBed.Site] = []
            for _ in 0..<60 { sites.append(try await bed.site(on: nodes[Int.random(in: 0..<nodes.count, using: &random)])) }
            let busy = Locked<(sites: Set<UUID>, nodes: Set<UUID>, overlaps: Int)>(([], [], 0))
            let executor = ScriptedExecutor { attempt, _ in
                busy.withLock { busy in
                    if let site = attempt.siteID, !busy.sites.insert(site).inserted { busy.overlaps += 1 }
                    if !busy.nodes.insert(attempt.nodeID).inserted { busy.overlaps += 1 }
                }
                try? await Loop.current?.sleep(for: .milliseconds(2))
                busy.withLock { busy in
                    if let site = attempt.siteID { busy.sites.remove(site) }
                    busy.nodes.remove(attempt.nodeID)
                }
                return AttemptReport(outcome: .succeeded(.plain(for: attempt)), outputTail: "")
            }
            let other = Database(bed.database.configuration, loops: TestLoops.group)
            other.start()
            var jobs: [UUID] = []
            try await bed.withEngine(executor, slots: 8) {
                let rival = RunningEngine(executor, slots: 8, on: other)
                for site in sites { jobs.append(try await bed.enqueue(.cachePurge, site)) }
                for job in jobs {
                    let state = try await bed.ending(of: job)
                    #expect(state.status == .succeeded && state.attempts == 1)
                }
                await rival.stop()
            }
            await other.close()
            #expect(busy.withLock { $0.overlaps } == 0, "seed \(seed)")
            #expect(executor.attempts.count == jobs.count && Set(executor.attempts.map(\.jobID)) == Set(jobs), "seed \(seed)")
            #expect(Set(executor.attempts.map(\.term)).count == jobs.count)
        }
    }

    @Test("a worker is woken when a job is enqueued, without waiting for its next look")
    func woken() async throws {
        try await JobBed.run { bed in
            var timings = JobBed.timings
            // The test would not end before it.
            timings.pollInterval = .seconds(3600)
            let (first, second) = (try await bed.site(), try await bed.site())
            try await bed.withEngine(ScriptedExecutor.succeeding, timings: timings) {
                // The first one shows that it listens.
                try await bed.ending(of: bed.enqueue(.cachePurge, first))
                for _ in 0..<5 { try await bed.ending(of: bed.enqueue(.cachePurge, second)) }
            }
        }
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let type: JobType
        let what: String
        /// Gives the payload, after it has changed what the request had checked.
        let make: @Sendable (JobBed, JobBed.Site) async throws -> JSONValue
        let testDescription: String

        init(_ type: JobType, _ what: String, _ make: @escaping @Sendable (JobBed, JobBed.Site) async throws -> JSONValue) {
            self.type = type
            self.what = what
            self.make = make
            testDescription = "\(type.rawValue), \(what)"
        }

        static func sql(_ text: String, _ bed: JobBed) async throws { try await bed.database.execute(Command(text: text)) }

        static let all: [Change] = [
            Change(.cachePurge, "the node is decommissioned") { bed, site in
                try await sql("UPDATE nodes SET status = 'decommissioned' WHERE id = '\(site.node)'", bed)
                return [:]
            },
            Change(.cachePurge, "the environment is failed") { bed, site in
                try await sql("UPDATE environments SET status = 'deploying' WHERE id = '\(site.production)'", bed)
                try await sql("UPDATE environments SET status = 'failed' WHERE id = '\(site.production)'", bed)
                return [:]
            },
            Change(.environmentDeploy, "the site is failed") { bed, site in
                try await sql("UPDATE sites SET status = 'deploying' WHERE id = '\(site.site)'", bed)
                try await sql("UPDATE sites SET status = 'failed' WHERE id = '\(site.site)'", bed)
                return ["source_type": "git", "source_ref": "x"]
            },
            Change(.environmentPromote, "the source environment is failed") { bed, site in
                try await sql("UPDATE environments SET status = 'deploying' WHERE id = '\(site.staging)'", bed)
                try await sql("UPDATE environments SET status = 'failed' WHERE id = '\(site.staging)'", bed)
                return ["source_environment_id": .string(site.staging.description)]
            },
            Change(.environmentRestore, "the backup is expired") { bed, site in
                ["backup_id": .string(try await bed.backup(of: site.production, .expired).description)]
            },
            Change(.environmentRestore, "the backup is gone") { _, _ in ["backup_id": .string(UUID.random().description)] },
            Change(.backupCreate, "the backup is failed") { bed, site in
                ["backup_id": .string(try await bed.backup(of: site.production, .failed).description)]
            },
            Change(.domainAdd, "the domain is gone") { _, _ in ["domain_id": .string(UUID.random().description)] },
            Change(.domainRemove, "the domain is gone") { _, _ in ["domain_id": "no id"] },
        ]
    }

    @Test("a job whose request would be refused by now fails without being run", arguments: Change.all)
    func preconditions(_ change: Change) async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            let payload = try await change.make(bed, site)
            let before = try await bed.value("SELECT string_agg(status, ' ' ORDER BY id) FROM environments" as SQL<String>)
            let job = try await bed.enqueue(change.type, site, payload: payload)
            let executor = ScriptedExecutor.succeeding
            try await bed.withEngine(executor) {
                let state = try await bed.ending(of: job)
                #expect(state.status == .failed && state.code == "PRECONDITION_CHANGED" && state.message == change.what)
                #expect(state.attempts == 1 && state.audit == "failed")
            }
            #expect(executor.attempts.isEmpty)
            #expect(try await bed.value("SELECT string_agg(status, ' ' ORDER BY id) FROM environments" as SQL<String>) == before)
            #expect(try await bed.events(job) == ["state queued", "state running", "state failed"])
        }
    }
}
