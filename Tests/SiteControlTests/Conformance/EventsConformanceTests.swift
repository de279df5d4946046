import Encoding
import Foundation
import TestSupport
import Testing

/// Live progress: `GET /api/jobs/{id}/events`.
@Suite(.serialized) struct EventsConformanceTests {
    private func ended(_ stream: EventStream, on panel: Panel) async throws -> [StreamedEvent] {
        _ = try await panel.eventually { stream.hasEnded ? true : nil }
        return stream.events
    }

    private func states(_ events: [StreamedEvent]) -> [String?] {
        events.filter { $0.kind == "state" }.map { $0.data["status"]?.string }
    }

    @Test("a job's events come while it runs and end with its last state, numbered from 1 without a gap")
    func live() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"match": {"job_type": "cache_purge"}, "hold": "go", "output": ["a line of the playbook"]}"#)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            let stream = EventStream(panel, job: job)
            defer { stream.close() }
            _ = try await panel.eventually { states(stream.events) == ["queued", "running"] ? true : nil }
            _ = try await panel.eventually {
                stream.events.contains { $0.kind == "output" && $0.data["line"]?.string?.contains("a line of the playbook") == true } ? true : nil
            }
            #expect(!stream.hasEnded)
            #expect(stream.head.lowercased().contains("content-type: text/event-stream"))
            #expect(stream.head.lowercased().contains("cache-control: no-"), "\(stream.head)")
            try panel.playbooks.release("go")
            let events = try await ended(stream, on: panel)
            #expect(events.map(\.id) == Array(1...max(1, events.count)))
            #expect(states(events) == ["queued", "running", "succeeded"])
            #expect(events.last?.kind == "state")
            #expect(Set(events.map(\.kind)) == ["state", "progress", "output"])
            #expect(events.allSatisfy { $0.data["at"]?.string.flatMap { Timestamp($0) } != nil })
            #expect(events.contains { $0.kind == "progress" && $0.data["event"] == "task" })
            // Read again it is the same, from either way of saying where.
            let again = EventStream(panel, job: job)
            #expect(try await ended(again, on: panel) == events)
            let middle = events.count / 2
            let resumed = EventStream(panel, job: job, fields: ["Last-Event-ID": "\(middle)"])
            #expect(try await ended(resumed, on: panel) == Array(events[middle...]))
            let after = EventStream(panel, job: job, query: "?after=\(middle)")
            #expect(try await ended(after, on: panel) == Array(events[middle...]))
        }
    }

    @Test("a failure and a retry are told with their code and when it goes on")
    func retries() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"times": 1, "exit": 2, "message": "it broke"}"#)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            let events = try await ended(EventStream(panel, job: job), on: panel)
            #expect(states(events) == ["queued", "running", "queued", "running", "succeeded"])
            let requeued = events.filter { $0.kind == "state" }[2].data
            #expect(requeued["error_code"] == "ANSIBLE_HOST_FAILED" && requeued["run_after"]?.string != nil && requeued["attempt"] == 1)
        }
    }

    @Test("a cancelled queued job's stream ends at once")
    func cancelled() async throws {
        let panel = try await Panel.shared()
        let site = try await panel.seed()
        let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
        let stream = EventStream(panel, job: job)
        _ = try await panel.eventually { states(stream.events) == ["queued"] ? true : nil }
        #expect(try await panel.send("POST", "/api/jobs/\(job)/cancel").status == 200)
        #expect(states(try await ended(stream, on: panel)) == ["queued", "cancelled"])
    }

    @Test("a client that loses its connection again and again, and asks other instances, misses nothing and gets nothing twice")
    func resumes() async throws {
        try await Panel.run(Panel.fastJobs, instances: 2) { panel in
            let seed = UInt64.random(in: 0..<1 << 32)
            print("seed \(seed)")
            var random = SeededRandom(seed)
            try panel.playbooks.script(#"{"output": {"repeat": ["a line that says little", 3000]}, "sleep_ms": 300}"#, paceMilliseconds: 100)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            var seen: [StreamedEvent] = []
            var connections = 0
            while states(seen).last != "succeeded" {
                try #require(connections < 500)
                let stream = EventStream(
                    panel, job: job, fields: seen.isEmpty ? [:] : ["Last-Event-ID": "\(seen.last?.id ?? 0)"],
                    instance: panel.instances.randomElement(using: &random), bytesMax: Int.random(in: 200...40_000, using: &random))
                connections += 1
                _ = try await panel.eventually { stream.hasEnded ? true : nil }
                seen += stream.events
            }
            print("\(seen.count) events over \(connections) connections")
            #expect(seen.map(\.id) == Array(1...seen.count))
            #expect(seen == (try await ended(EventStream(panel, job: job), on: panel)))
        }
    }

    @Test("output beyond 1 MiB of an attempt is cut, and said to be; the job goes on and the service stays small")
    func hugeOutput() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            let line = String(repeating: "x", count: 1000)
            try panel.playbooks.script(#"{"output": {"repeat": ["\#(line)", 16000]}, "errors": {"repeat": ["\#(line)", 4000]}}"#)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            #expect(try await panel.ended(job, within: .seconds(120))["status"] == "succeeded")
            let stored = try await panel.row(
                "SELECT coalesce(sum(octet_length(data::text)), 0)::bigint AS bytes, count(*) FILTER (WHERE (data->>'truncated')::boolean) AS cut FROM job_events WHERE job_id = '\(job)'")
            #expect((stored["bytes"]?.int ?? 0) < 3 << 20, "\(stored)")
            #expect((stored["cut"]?.int ?? 0) >= 1)
            let tail = try await panel.row("SELECT octet_length(output_tail) AS bytes FROM jobs WHERE id = '\(job)'")
            #expect((tail["bytes"]?.int ?? 0) <= 10240 && (tail["bytes"]?.int ?? 0) > 1000)
            let status = try String(contentsOfFile: "/proc/\(panel.process.pid ?? 0)/status", encoding: .utf8)
            let kilobytes = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }?.split(separator: " ").compactMap { Int($0) }.first ?? 0
            print("peak memory after 20 MB of output: \(kilobytes) kB")
            #expect(kilobytes < 300_000)
        }
    }

    @Test("a place that is none is 400, one beyond the end waits", arguments: ["-1", "x", "1.5", "99999999999999999999"])
    func badPlace(_ place: String) async throws {
        let panel = try await Panel.shared()
        let site = try await panel.seed()
        let job = try await panel.seedJob("cache_purge", site: site.site, environment: site.staging, status: "succeeded")
        try await panel.send("GET", "/api/jobs/\(job)/events?after=\(place)").expectError(400, "bad_request", nil, place)
    }

    @Test("lines of any bytes arrive as UTF-8 within one event each")
    func strangeOutput() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"output": ["snow \u2603", "tab\there", "back \\ slash", "data: not a field", "", "\u001b[31mred\u001b[0m", "nul \u0000 byte", "cr \r in it"]}"#)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            let events = try await ended(EventStream(panel, job: job), on: panel)
            let lines = events.compactMap { $0.data["line"]?.string }
            #expect(lines.contains("snow ☃") && lines.contains("back \\ slash") && lines.contains("data: not a field"))
            #expect(states(events).last == "succeeded")
            #expect(events.map(\.id) == Array(1...max(1, events.count)))
        }
    }
}
