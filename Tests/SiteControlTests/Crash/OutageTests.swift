import Encoding
import EventLoop
import Foundation
import TestSupport
import Testing

/// PostgreSQL away, slow readers, and the load of many.
@Suite(.serialized) struct PanelOutageTests {
    @Test("while PostgreSQL is away every operation is answered 503 in the envelope; afterwards all goes on by itself", .timeLimit(.minutes(5)))
    func away() async throws {
        let server = try await PostgresServer.start()
        defer { server.remove() }
        try await Panel.run(Panel.fastJobs, on: server) { panel in
            let site = try await panel.seed()
            let pid = panel.process.pid
            for signal in [SIGINT, SIGKILL] {
                server.stop(with: signal)
                for operation in Operation.all {
                    let id = operation.path == .site ? site.site : site.staging
                    let begun = ContinuousClock.now
                    let answer = try await panel.send(operation.method, operation.target(id), operation.body)
                    // A body that names what does not exist is wrong all the same.
                    if answer.status != 400 { answer.expectError(503, "service_unavailable", nil, operation.testDescription) }
                    #expect(ContinuousClock.now - begun < .seconds(15))
                }
                #expect(try await panel.send("GET", "/healthz", as: .nobody).status == 200)
                #expect(try await panel.send("GET", "/readyz", as: .nobody).status == 503)
                try await server.start()
                try await panel.process.awaitReady()
                let job = try await panel.eventually { () -> String? in
                    let answer = try await panel.send("POST", "/api/environments/\(site.staging)/cache/purge")
                    return answer.status == 202 ? answer.json["job_id"]?.string : nil
                }
                #expect(try await panel.ended(job)["status"] == "succeeded")
            }
            #expect(panel.process.pid == pid && panel.process.exit == nil)
        }
    }

    @Test("a worker without its database lets go of its job before its lease ends; the job is done once when it is back", .timeLimit(.minutes(5)))
    func duringJob() async throws {
        let server = try await PostgresServer.start()
        defer { server.remove() }
        try await Panel.run(CrashFleet.settings, on: server) { panel in
            try panel.playbooks.script(#"{"times": 1, "hang": true}"#)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/deploy", #"{"source_type":"git","source_ref":"https://git.example/a"}"#)
            let held = try await panel.eventually { try panel.playbooks.journal().first { $0["event"] == "held" } }
            server.freeze()
            let frozen = ContinuousClock.now
            _ = try await panel.eventually { kill(pid_t(held["pid"]?.int ?? 1), 0) == -1 ? true : nil }
            print("the playbook was gone \(ContinuousClock.now - frozen) after the database stopped answering")
            server.thaw()
            let ended = try await panel.eventually { () -> JSONValue? in
                let shown = try? await panel.get("/api/jobs/\(job)")
                return shown?["status"] == "succeeded" ? shown : Optional<JSONValue>.none
            }
            #expect((ended["attempt_count"]?.int ?? 0) == 2)
            #expect(try await panel.count("releases WHERE environment_id = '\(site.staging)'") == 2)
            #expect(try !panel.playbooks.journal().contains { $0["event"] == "overlap" })
        }
    }

    @Test("clients that never read their events hold nobody up")
    func slowReaders() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"output": {"repeat": ["\#(String(repeating: "x", count: 200))", 4000]}, "hold": "go"}"#)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            // A first piece is read of each, and the connection stays open.
            let slow = (0..<100).map { _ in EventStream(panel, job: job, bytesMax: 1, staysOpen: true) }
            let reader = EventStream(panel, job: job)
            _ = try await panel.eventually { slow.allSatisfy { !$0.head.isEmpty } ? true : nil }
            let begun = ContinuousClock.now
            for _ in 0..<20 { #expect(try await panel.send("GET", "/api/metrics").status == 200) }
            print("20 answers beside 100 readers that do not read: \(ContinuousClock.now - begun)")
            try panel.playbooks.release("go")
            #expect(try await panel.ended(job)["status"] == "succeeded")
            _ = try await panel.eventually { reader.hasEnded ? true : nil }
            #expect(reader.events.last?.data["status"] == "succeeded")
            for stream in slow { stream.close() }
        }
    }

    @Test("SIGTERM lets a job end or hands it on, and leaves no playbook behind", arguments: [true, false])
    func terminates(_ endsInTime: Bool) async throws {
        try await Panel.run(Panel.fastJobs.merging(["TRIVET_SHUTDOWN_GRACE_MS": "1500"]) { $1 }) { panel in
            try panel.playbooks.script(endsInTime ? #"{"sleep_ms": 300}"# : #"{"times": 1, "hang": true}"#)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            let run = try await panel.eventually { try panel.playbooks.starts(of: job).first }
            #expect(await panel.process.end().isSuccess)
            _ = try await panel.eventually { kill(pid_t(run["pid"]?.int ?? 1), 0) == -1 ? true : nil }
            try await panel.startInstance()
            #expect(try await panel.ended(job)["status"] == "succeeded")
        }
    }
}
