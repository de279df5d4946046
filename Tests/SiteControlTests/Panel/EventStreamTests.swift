import Encoding
import EventLoop
import Foundation
import TestSupport
import Testing

@Suite struct EventStreamTests {
    static let idle = ["TRIVET_WORKERS": "0"]

    @Test("past events come at once, later ones as they happen, and the stream ends with the job")
    func follow() async throws {
        try await Panel.run(Self.idle) { panel in
            let job = try await panel.seedWatchedJob()
            try await panel.write(3, to: job)
            try await TestLoops.run {
                let watcher = try await panel.watch(job)
                #expect(watcher.status == 200)
                #expect(watcher.fields.first { $0.name == "content-type" }?.value == "text/event-stream")
                for seq in 1...3 {
                    let event = try #require(try await watcher.nextEvent())
                    #expect(event.id == Int64(seq) && event.kind == "output")
                    #expect(event.data["line"]?.string?.hasPrefix("\(seq)x") == true)
                    #expect(event.data["at"]?.string?.hasSuffix("Z") == true)
                }
                try await panel.write(2, to: job)
                #expect(try await watcher.nextEvent()?.id == 4)
                #expect(try await watcher.nextEvent()?.id == 5)
                try await panel.finish(job)
                let last = try #require(try await watcher.nextEvent())
                #expect(last.id == 6 && last.kind == "state" && last.data["status"] == "succeeded")
                #expect(try await watcher.next() == .end)
            }
            // A job that has ended is told as a whole, and once all was told there is nothing to connect for.
            let all = try await TestLoops.run { try await panel.watch(job).rest() }
            #expect(all.map(\.id) == Array(1...6))
            #expect(try await panel.send("GET", "/api/jobs/\(job)/events?after=6", as: .reader).status == 204)
            #expect(try await panel.send("GET", "/api/jobs/\(job)/events?after=3", as: .reader).status == 200)
        }
    }

    @Test("what a client has seen is asked for by Last-Event-ID, or by after; nonsense is refused")
    func positions() async throws {
        try await Panel.run(Self.idle) { panel in
            let job = try await panel.seedWatchedJob()
            try await panel.write(5, to: job)
            try await panel.finish(job)
            let path = "/api/jobs/\(job)/events"
            func first(_ target: String, _ fields: [String: String] = [:]) async throws -> Int64? {
                var fields = fields
                fields["Authorization"] = "Bearer \(panel.reader)"
                let all = fields
                return try await TestLoops.run {
                    try await EventWatcher.open(panel.process.address, target, fields: all).nextEvent()?.id
                }
            }
            #expect(try await first(path) == 1)
            #expect(try await first(path + "?after=2") == 3)
            #expect(try await first(path, ["Last-Event-ID": "4"]) == 5)
            #expect(try await first(path + "?after=1", ["Last-Event-ID": "4"]) == 5)
            for (target, fields) in [
                (path + "?after=x", [:]), (path + "?after=-1", [:]), (path + "?after=1&after=2", [:]), (path + "?since=1", [:]),
                (path + "?after=7", [:]), (path, ["Last-Event-ID": "one"]), (path, ["Last-Event-ID": "99999999999999999999"]),
            ] {
                try await panel.send("GET", target, as: .reader, fields: fields).expectError(400, "bad_request", nil, target)
            }
            for id in [SeededSite.newID(), "nonsense"] {
                try await panel.send("GET", "/api/jobs/\(id)/events", as: .reader).expectError(404, "not_found")
            }
            try await panel.send("GET", path, as: .nobody).expectError(401, "unauthorized")
        }
    }

    @Test("streams that break and are resumed at any instance show every event once", arguments: [1, 2, 3] as [UInt64])
    func resume(seed: UInt64) async throws {
        try await Panel.run(Self.idle, instances: 2) { panel in
            let job = try await panel.seedWatchedJob()
            let writing = Task {
                var random = SeededRandom(seed)
                for _ in 0..<120 { try await panel.write(.random(in: 1...9, using: &random), to: job) }
                try await panel.finish(job)
            }
            let seen = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for client in 0..<6 {
                    group.addTask {
                        try await TestLoops.run { try await Self.watch(job, of: panel, SeededRandom(seed &* 100 &+ UInt64(client))) }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try await writing.value
            let newest = Int64(try await panel.count("job_events WHERE job_id = '\(job)'"))
            for ids in seen { #expect(ids == Array(1...newest), "seed \(seed)") }
        }
    }

    /// Reads to the end, but leaves again and again after some events, at once or in the middle of one.
    private static func watch(_ job: String, of panel: Panel, _ random: SeededRandom) async throws -> [Int64] {
        var random = random
        var seen: [Int64] = []
        while true {
            let instance = panel.instances.randomElement(using: &random)
            let watcher = try await panel.watch(job, after: seen.last, on: instance)
            defer { watcher.close() }
            if watcher.status == 204 { return seen }
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                guard let event = try await watcher.nextEvent() else { break }
                seen.append(event.id)
                if event.data["status"] == "succeeded" { return seen }
            }
        }
    }

    @Test("a lost notification costs a moment, not an event")
    func withoutNotification() async throws {
        try await Panel.run(Self.idle) { panel in
            let job = try await panel.seedWatchedJob()
            try await TestLoops.run {
                let watcher = try await panel.watch(job)
                for round in 1...2 {
                    try await panel.write(1, to: job, notify: false)
                    #expect(try await watcher.nextEvent()?.id == Int64(round))
                }
            }
        }
    }

    @Test("many watchers of one job all see all of it")
    func manyWatchers() async throws {
        try await Panel.run(Self.idle) { panel in
            let job = try await panel.seedWatchedJob()
            try await panel.write(10, to: job)
            let seen = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for number in 0..<100 {
                    group.addTask {
                        try await TestLoops.run {
                            let watcher = try await panel.watch(job, token: number % 2 == 0 ? panel.reader : panel.automation)
                            return try await watcher.rest().map(\.id)
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<50 { try await panel.write(4, to: job) }
                    try await panel.finish(job)
                    return Array(1...211)
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for ids in seen { #expect(ids == Array(1...211)) }
        }
    }

    @Test("one client holds so many streams at most; a place that is given up is free again")
    func streamLimit() async throws {
        try await Panel.run(Self.idle) { panel in
            let job = try await panel.seedWatchedJob()
            try await TestLoops.run {
                var watchers: [EventWatcher] = []
                for _ in 0..<128 { watchers.append(try await panel.watch(job)) }
                #expect(watchers.allSatisfy { $0.status == 200 })
                let refused = try await panel.send("GET", "/api/jobs/\(job)/events", as: .reader)
                refused.expectError(429, "too_many_requests")
                #expect(refused.field("retry-after") != nil)
                let other = try await panel.watch(job, token: panel.automation)
                #expect(other.status == 200)
                watchers.removeLast().close()
                _ = try await panel.eventually {
                    let again = try await panel.watch(job)
                    defer { again.close() }
                    return again.status == 200 ? true : nil
                }
                for watcher in watchers + [other] { watcher.close() }
            }
        }
    }

    @Test("a client that does not read costs no more than a page, and holds nobody up")
    func slowReader() async throws {
        try await Panel.run(Self.idle) { panel in
            let job = try await panel.seedWatchedJob()
            try await TestLoops.run {
                var slow: [EventWatcher] = []
                for _ in 0..<20 { slow.append(try await panel.watch(job)) }
                let before = try Self.residentBytes(of: panel.process)
                // 16 MiB for each of them.
                for _ in 0..<16 { try await panel.write(64, to: job, size: 16 * 1024) }
                let quick = try await panel.watch(job, after: 16 * 64)
                try await panel.write(1, to: job)
                #expect(try await quick.nextEvent()?.id == 16 * 64 + 1)
                let grown = try Self.residentBytes(of: panel.process) - before
                #expect(grown < 40 << 20, "\(grown >> 20) MiB for twenty clients that do not read")
                try await panel.finish(job)
                // They come to the end all the same.
                #expect(try await slow[0].rest().map(\.id) == Array(1...(16 * 64 + 2)))
                for watcher in slow { watcher.close() }
            }
        }
    }

    private static func residentBytes(of service: ServiceUnderTest) throws -> Int {
        let pid = try #require(service.pid)
        let words = try String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(words[1])) * 4096
    }

    @Test("a stream is kept open by comments, and ends when its client may not read any more", .timeLimit(.minutes(2)))
    func quietStream() async throws {
        try await Panel.run(Self.idle) { panel in
            let job = try await panel.seedWatchedJob()
            let session = try await panel.logIn()
            try await TestLoops.run {
                let ended = try await panel.watch(job, token: session)
                let open = try await panel.watch(job)
                #expect(try await panel.send("POST", "/api/logout", as: .bearer(session)).status == 200)
                #expect(try await open.next() == .comment)
                var item = try await ended.next()
                if item == .comment { item = try await ended.next() }
                #expect(item == .end)
                open.close()
            }
        }
    }

    @Test("a process that is told to stop ends its streams in order and does not wait for the jobs")
    func stopping() async throws {
        try await Panel.run(Self.idle, instances: 2) { panel in
            let job = try await panel.seedWatchedJob()
            try await panel.write(2, to: job)
            try await TestLoops.run {
                let watcher = try await panel.watch(job, on: panel.instances[0])
                #expect(try await watcher.nextEvent()?.id == 1)
                #expect(try await watcher.nextEvent()?.id == 2)
                async let exit = panel.instances[0].end()
                #expect(try await watcher.next() == .end)
                #expect(await exit == .exited(code: 0))
                let next = try await panel.watch(job, after: 2, on: panel.instances[1])
                try await panel.write(1, to: job)
                #expect(try await next.nextEvent()?.id == 3)
                next.close()
            }
        }
    }
}
