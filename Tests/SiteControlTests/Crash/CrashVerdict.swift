import Encoding
import Foundation
import Glibc
import TestSupport

/// What the database and the journal of the playbooks say afterwards, held against each other.
struct CrashVerdict {
    private(set) var problems: [String] = []
    let jobs: Int
    let states: String
    let attempts: Int
    /// Attempts whose worker or lease was lost.
    private(set) var lost = 0
    /// Runs that met another one of the same node or site, whose worker was frozen.
    private(set) var overlaps = 0

    init(_ fleet: CrashFleet, _ faults: CrashFaults) async throws {
        let panel = fleet.panel
        let rows = try await panel.rows("SELECT * FROM jobs ORDER BY created_at, id")
        let events = try await panel.rows("SELECT job_id, seq, at, kind, data FROM job_events ORDER BY job_id, seq")
        let journal = try panel.playbooks.journal()
        jobs = rows.count
        let counted = Dictionary(grouping: rows, by: { $0["status"]?.string ?? "?" }).mapValues(\.count)
        states = counted.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
        attempts = rows.reduce(0) { $0 + ($1["attempt_count"]?.int ?? 0) }

        checkAccepted(rows, fleet)
        checkEvents(rows, Dictionary(grouping: events) { $0["job_id"]?.string ?? "" })
        checkRuns(rows, journal, faults)
        try await checkResources(panel)
        for run in journal where run["event"] == "start" {
            guard let pid = run["pid"]?.int, let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8),
                line.contains("ansible-playbook"), line.contains(panel.directory.path)
            else { continue }
            problems.append("playbook \(pid) of job \(run["job_id"]?.string ?? "?") is still running")
        }
    }

    /// Who was told 202 has a job; who was not may have one as well.
    private mutating func checkAccepted(_ rows: [JSONValue], _ fleet: CrashFleet) {
        let known = Set(rows.compactMap { $0["id"]?.string })
        for id in fleet.outcome.accepted.subtracting(known) { problems.append("job \(id) was accepted and is not there") }
    }

    /// The states of each job follow each other as 4.3 says, numbered without a gap, with one end; and no two jobs of a site or a node ran at a time.
    private mutating func checkEvents(_ rows: [JSONValue], _ events: [String: [JSONValue]]) {
        var spans: [String: [(from: String, to: String, job: String)]] = [:]
        for job in rows {
            let (id, type) = (job["id"]?.string ?? "?", job["job_type"]?.string ?? "?")
            let all = events[id] ?? []
            let numbers = all.compactMap { $0["seq"]?.int }
            if numbers != Array(1..<(numbers.count + 1)) || numbers.last != job["event_seq"]?.int { problems.append("\(type) \(id): events are numbered \(numbers)") }
            let states = all.filter { $0["kind"] == "state" }
            let names = states.map { $0["data"]?["status"]?.string ?? "?" }
            if names.first != "queued" { problems.append("\(type) \(id): begins with \(names.first ?? "nothing")") }
            for (earlier, later) in zip(names, names.dropFirst()) {
                let isLegal = earlier == "queued" ? ["running", "cancelled"].contains(later) : earlier == "running" && later != "running"
                // A precondition that no longer holds ends an attempt in the statement that would begin it.
                if !isLegal, !(earlier == "queued" && later == "failed") { problems.append("\(type) \(id): \(earlier) to \(later)") }
            }
            if names.last != job["status"]?.string { problems.append("\(type) \(id): is \(job["status"]?.string ?? "?") after \(names)") }
            if names.filter({ $0 == "running" }).count > job["attempt_count"]?.int ?? 0 { problems.append("\(type) \(id): more starts than attempts") }
            lost += states.filter { $0["data"]?["error_code"] == "WORKER_LOST" }.count
            for (index, state) in states.enumerated() where state["data"]?["status"] == "running" && index + 1 < states.count {
                for key in [job["site_id"]?.string, job["node_id"]?.string].compactMap({ $0 }) {
                    spans[key, default: []].append((state["at"]?.string ?? "", states[index + 1]["at"]?.string ?? "", id))
                }
            }
        }
        for (key, list) in spans {
            let ordered = list.sorted { $0.from < $1.from }
            for (one, two) in zip(ordered, ordered.dropFirst()) where two.from < one.to {
                problems.append("jobs \(one.job) and \(two.job) of \(key) ran at a time: \(one.to) and \(two.from)")
            }
        }
    }

    /// No attempt ran twice, terms rise, a success has a run that ended well in its last attempt, and runs met only those of frozen workers.
    private mutating func checkRuns(_ rows: [JSONValue], _ journal: [JSONValue], _ faults: CrashFaults) {
        let starts = Dictionary(grouping: journal.filter { $0["event"] == "start" }) { $0["job_id"]?.string ?? "" }
        let endedWell = Set(journal.filter { $0["event"] == "end" && $0["exit"] == 0 }.map { "\($0["job_id"]?.string ?? "") \($0["attempt"]?.int ?? 0)" })
        for job in rows {
            let (id, type) = (job["id"]?.string ?? "?", job["job_type"]?.string ?? "?")
            let runs = (starts[id] ?? []).sorted { ($0["at"]?.int ?? 0) < ($1["at"]?.int ?? 0) }
            let numbers = runs.compactMap { $0["attempt"]?.int }
            if numbers.count != Set(numbers).count { problems.append("\(type) \(id): attempts ran \(numbers)") }
            let terms = runs.compactMap { $0["fencing_term"]?.int }
            if terms != terms.sorted() || terms.count != Set(terms).count { problems.append("\(type) \(id): terms \(terms)") }
            if (numbers.max() ?? 0) > job["attempt_count"]?.int ?? 0 { problems.append("\(type) \(id): attempt \(numbers) of \(job["attempt_count"]?.int ?? 0)") }
            guard job["status"] == "succeeded" else { continue }
            if !endedWell.contains("\(id) \(job["attempt_count"]?.int ?? 0)") {
                problems.append("\(type) \(id): succeeded in attempt \(job["attempt_count"]?.int ?? 0), which no run ended well")
            }
        }
        for (index, meeting) in journal.enumerated() where meeting["event"] == "overlap" {
            let at = meeting["at"]?.int ?? 0
            let holders = Self.holders(meeting, journal[..<index])
            // A worker that is frozen cannot stop its playbook, and afterwards needs a moment: the lock on the node keeps
            // the two apart there.
            let isFrozens = holders.contains { holder in
                faults.freezes.contains { $0.from <= at && (holder["at"]?.int ?? 0) <= $0.to && at - Self.settling <= $0.to }
            }
            guard !isFrozens else {
                overlaps += 1
                continue
            }
            let others = holders.map { "\(Self.name($0)), begun \((at - ($0["at"]?.int ?? 0)) / 1_000_000) ms before" }
            problems.append("\(Self.name(meeting)) met a run of \(meeting["with"]?.string ?? "?"), \(faults.last(before: at)): \(others.joined(separator: "; "))")
        }
    }

    /// Runs on the same node or site that had begun and not ended.
    private static func holders(_ meeting: JSONValue, _ before: ArraySlice<JSONValue>) -> [JSONValue] {
        let isNode = meeting["with"]?.string?.hasPrefix("node") == true
        let key = isNode ? "node_hostname" : "site_id"
        let ended = Set(before.filter { $0["event"] == "end" }.compactMap { $0["pid"]?.int })
        return before.filter {
            $0["event"] == "start" && $0["pid"] != meeting["pid"] && $0[key] == meeting[key] && !ended.contains($0["pid"]?.int ?? 0)
        }.suffix(2)
    }

    private static func name(_ run: JSONValue) -> String {
        "\(run["job_type"]?.string ?? "?") \(run["job_id"]?.string ?? "?") attempt \(run["attempt"]?.int ?? 0) term \(run["fencing_term"]?.int ?? 0)"
    }

    /// Nanoseconds that a thawed worker may take to end what it must not go on with.
    private static let settling = 2_000_000_000

    /// Nothing is left half done.
    private mutating func checkResources(_ panel: Panel) async throws {
        let questions = [
            ("sites in progress", "sites WHERE status NOT IN ('active', 'failed')"),
            ("environments in progress", "environments WHERE status NOT IN ('active', 'failed')"),
            ("backups in progress", "backups WHERE status IN ('pending', 'running')"),
            ("domains in progress", "domains WHERE tls_status = 'pending'"),
            ("audit rows without an outcome", "audit_logs WHERE result = 'accepted'"),
            ("jobs with another outcome than their audit row", "jobs j JOIN audit_logs a ON a.job_id = j.id AND a.action = j.job_type WHERE a.result <> j.status"),
            ("jobs with two audit rows", "(SELECT 1 FROM audit_logs WHERE action <> 'job_cancel' AND job_id IS NOT NULL GROUP BY job_id HAVING count(*) > 1) q"),
            (
                "audited jobs that nobody asked for",
                "audit_logs a JOIN jobs j ON j.id = a.job_id WHERE j.job_type IN ('health_check', 'release_rollback', 'backup_cleanup')"
            ),
            (
                "successes without their one health check",
                """
                jobs p WHERE p.status = 'succeeded' AND p.job_type IN ('site_import', 'env_deploy', 'env_update', 'env_restore', 'env_promote') AND
                (SELECT count(*) FROM jobs c WHERE c.job_type = 'health_check' AND c.payload_json->>'parent_job_id' = p.id::text) <> 1
                """
            ),
            (
                "health checks of jobs that did not succeed",
                """
                jobs c JOIN jobs p ON p.id::text = c.payload_json->>'parent_job_id' WHERE c.job_type = 'health_check' AND p.status <> 'succeeded'
                """
            ),
            (
                "environments whose releases are not one per success",
                """
                environments e WHERE (SELECT count(*) FROM releases r WHERE r.environment_id = e.id) <>
                (SELECT count(*) FROM jobs j WHERE j.environment_id = e.id AND j.status = 'succeeded' AND
                  j.job_type IN ('env_create', 'env_deploy', 'env_update', 'env_restore', 'env_promote', 'site_import'))
                  + (CASE WHEN e.slug LIKE 'c-%' THEN 0 ELSE 1 END)
                """
            ),
            (
                "backups whose state is not that of their job",
                """
                backups b JOIN jobs j ON j.job_type = 'backup_create' AND j.payload_json->>'backup_id' = b.id::text
                WHERE (b.status = 'completed') <> (j.status = 'succeeded')
                """
            ),
        ]
        for (what, question) in questions {
            let count = try await panel.count(question)
            if count > 0 { problems.append("\(count) \(what)") }
        }
    }
}
