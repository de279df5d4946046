import EventLoop
import Foundation
import HTTP
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

/// A service from its start to its end, as a process of its own.
@Suite(.serialized) struct ServiceProcessTests {
    private func get(_ service: ServiceUnderTest, _ path: String, _ token: String? = nil) async throws -> TestResponse {
        try await TestClient.exchange(
            service.address, "GET", path, fields: token.map { ["Authorization": "Bearer \($0)"] } ?? [:])
    }

    @Test("a service answers, logs and counts, and ends with exit 0")
    func life() async throws {
        try await withSample { sample in
            try await sample.migrate()
            let writer = try await sample.token("writer")
            let service = try await sample.start()
            let added = try await TestClient.exchange(
                service.address, "POST", "/v1/notes",
                fields: ["Authorization": "Bearer \(writer)", "Idempotency-Key": "k1"], body: Array("hello".utf8))
            #expect(added.status == 201 && added.text == "{\"id\":1}")
            #expect(added.field("Location") == "http://\(service.address)/v1/notes/1")
            let again = try await TestClient.exchange(
                service.address, "POST", "/v1/notes",
                fields: ["Authorization": "Bearer \(writer)", "Idempotency-Key": "\"k1\""], body: Array("hello".utf8))
            #expect(again.status == 201 && again.body == added.body && again.field("Idempotency-Replayed") == "true")
            let read = try await get(service, "/v1/notes/1", writer)
            #expect(read.text == "hello" && read.field("RateLimit")?.hasPrefix("\"read\";r=59") == true)
            #expect(try await get(service, "/v1/notes/1").status == 401)
            #expect(try await get(service, "/healthz").text == "{\"status\":\"ok\"}")
            #expect(try await get(service, "/readyz").text == "{\"status\":\"ready\"}")
            let metrics = try await get(service, "/metrics")
            #expect(metrics.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(metrics.text.contains(#"trivet_http_requests_total{method="POST",route="/v1/notes",status="2xx"} 2"#))
            #expect(metrics.text.contains(#"trivet_build_info{service="sample-service",version="1.2.3"} 1"#))
            #expect(metrics.text.contains("trivet_ready 1"))
            #expect(try await sample.run("count").output == "1\n")
            #expect(await service.end() == .exited(code: 0))
            #expect(service.log.contains("\"message\":\"listening\"") && service.log.contains("\"message\":\"stopped\""))
            #expect(!service.log.contains(writer.suffix(43)))
        }
    }

    @Test("SIGTERM lets a running request end, and turns new ones away")
    func drain() async throws {
        try await withSample { sample in
            try await sample.migrate()
            let token = try await sample.token("reader")
            let service = try await sample.start()
            let address = service.address
            let response = try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                try await client.send(TestClient.encode("GET", "/v1/slow", fields: ["Authorization": "Bearer \(token)"]))
                // Once the request is counted it is under way.
                while true {
                    let metrics = try await TestClient.exchange(address, "GET", "/metrics")
                    if metrics.text.contains("trivet_http_requests_in_flight 2") { break }
                }
                service.signal(SIGTERM)
                return try await client.receive()
            }
            #expect(response.status == 200 && response.text == "at last" && response.closes)
            // Signal 0 is none: a second SIGTERM would end it at once.
            #expect(await service.end(with: 0) == .exited(code: 0))
        }
    }

    @Test("a second signal ends the process at once")
    func secondSignal() async throws {
        try await withSample { sample in
            try await sample.migrate()
            let token = try await sample.token("reader")
            let service = try await sample.start(["TRIVET_SHUTDOWN_GRACE_MS": "600000"])
            let address = service.address
            try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                try await client.send(TestClient.encode("GET", "/v1/slow", fields: ["Authorization": "Bearer \(token)"]))
                while true {
                    let metrics = try await TestClient.exchange(address, "GET", "/metrics")
                    if metrics.text.contains("trivet_http_requests_in_flight 2") { break }
                }
                service.signal(SIGTERM)
                while !service.log.contains("\"message\":\"stopping\"") { await Task.yield() }
                service.signal(SIGINT)
                _ = try? await client.receive()
            }
            #expect(await service.end(with: 0) == .exited(code: 1))
        }
    }

    @Test("without its schema a service is alive but not ready, and becomes ready by itself")
    func schemaBehind() async throws {
        try await withSample { sample in
            let service = try await sample.start(awaitReady: false)
            try await awaitAnswer(service, "/healthz", 200)
            try await awaitAnswer(service, "/readyz", 503) { $0.contains("the schema lacks 5 migrations: run migrate") }
            try await sample.migrate()
            try await service.awaitReady()
            #expect(await service.end() == .exited(code: 0))
        }
    }

    @Test("a service starts without PostgreSQL, answers 503 in time, and is ready once it is there")
    func databaseDown() async throws {
        let server = try await PostgresServer.start()
        defer { server.remove() }
        let variables = ["TRIVET_DATABASE_URL": server.url]
        let migrated = try await ServiceUnderTest.run("sample-service", ["migrate"], environment: variables)
        #expect(migrated.exit == .exited(code: 0))
        let token = try await ServiceUnderTest.run(
            "sample-service", ["token", "create", "--client", "ci", "--role", "reader"], environment: variables
        ).output.dropLast()
        server.stop()
        let service = try await ServiceUnderTest.start("sample-service", environment: variables, awaitReady: false)
        try await awaitAnswer(service, "/readyz", 503) { $0.contains("the database does not answer") }
        let refused = try await get(service, "/v1/notes/1", String(token))
        #expect(refused.status == 503, "neither 401 nor let in")
        try await server.start()
        try await service.awaitReady()
        #expect(try await get(service, "/v1/notes/1", String(token)).status == 404)
        server.freeze()
        try await awaitAnswer(service, "/readyz", 503)
        let frozen = ContinuousClock.now
        #expect(try await get(service, "/v1/notes/1", String(AccessToken.make(prefix: "trv").text.reveal())).status == 503)
        #expect(ContinuousClock.now - frozen < .seconds(30))
        server.thaw()
        try await service.awaitReady()
        #expect(await service.end() == .exited(code: 0))
    }

    @Test("an admin listener takes health and metrics over")
    func adminListener() async throws {
        try await withSample { sample in
            try await sample.migrate()
            let port = try ServiceUnderTest.freePort()
            let admin = try SocketAddress(parsing: "127.0.0.1:\(port)")
            let service = try await sample.start(["TRIVET_ADMIN_LISTEN": admin.description], awaitReady: false)
            while (try? await TestClient.exchange(admin, "GET", "/readyz").status) != 200 { try #require(service.exit == nil) }
            #expect(try await TestClient.exchange(admin, "GET", "/metrics").status == 200)
            #expect(try await get(service, "/metrics").status == 404)
            #expect(try await get(service, "/v1/open").status == 200)
            #expect(try await TestClient.exchange(admin, "GET", "/v1/open").text == "{\"code\":\"not_found\"}")
            #expect(await service.end() == .exited(code: 0))
        }
    }

    @Test("an address that is taken is one line and exit 1")
    func addressTaken() async throws {
        try await withSample { sample in
            let taken = try Acceptor.bind(try SocketAddress(parsing: "127.0.0.1:0"), reusePort: false, backlog: 1)
            defer { close(taken) }
            let address = try #require(SocketAddress.local(of: taken))
            var variables = sample.variables
            variables["TRIVET_LISTEN"] = address.description
            let done = try await ServiceUnderTest.run("sample-service", ["serve"], environment: variables)
            #expect(done.exit == .exited(code: 1))
            let lines = done.error.split(separator: "\n")
            #expect(lines.last?.hasPrefix("sample-service: cannot listen on \(address)") == true, "\(done.error)")
        }
    }

    @Test("the service manager is told of the start, of life and of the stop")
    func notification() async throws {
        try await withSample { sample in
            try await sample.migrate()
            let path = NSTemporaryDirectory() + "trivet-notify-\(UInt32.random(in: 0...UInt32.max))"
            let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            defer {
                close(descriptor)
                unlink(path)
            }
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
            try #require(bound == 0)
            func next() -> String {
                var buffer = [UInt8](repeating: 0, count: 1024)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            }
            let service = try await sample.start(["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000"])
            #expect(next().hasPrefix("READY=1\nSTATUS=listening on "))
            #expect(next() == "WATCHDOG=1")
            #expect(next() == "WATCHDOG=1")
            service.signal(SIGHUP)
            var told: [String] = []
            while !told.contains(where: { $0.hasPrefix("READY=1") }) { told.append(next()) }
            #expect(told.contains { $0.hasPrefix("RELOADING=1") })
            service.signal(SIGTERM)
            told = []
            while told.last != "STOPPING=1" { told.append(next()) }
            #expect(await service.end(with: 0) == .exited(code: 0))
        }
    }

    /// Asks until the answer has the status and text; fails when the process ends.
    private func awaitAnswer(
        _ service: ServiceUnderTest, _ path: String, _ status: Int, _ matches: (String) -> Bool = { _ in true }
    ) async throws {
        while true {
            try #require(service.exit == nil, "\(service.log)")
            if let response = try? await get(service, path), response.status == status, matches(response.text) { return }
        }
    }
}
