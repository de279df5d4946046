import Encoding
import TestSupport
import Testing

/// Paths and methods: ids that are none, ids of nothing, methods that a path does not take.
@Suite(.serialized) struct PathConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    private func body(_ operation: Operation) -> String? {
        operation.body?.replacing("BACKUP", with: SeededSite.newID()).replacing("TARGET", with: SeededSite.newID())
            .replacing("HOSTNAME", with: "a.example")
    }

    @Test("an id that is no UUID, or of nothing, is 404", arguments: Operation.withID)
    func unknownID(_ operation: Operation) async throws {
        let ids = [
            "x", "1", "%20", "null", "7d0f8a5e-3b8a-4d8c-9d53-0c2c8ab0f1a", "7d0f8a5e3b8a4d8c9d530c2c8ab0f1aa",
            "7d0f8a5e-3b8a-4d8c-9d53-0c2c8ab0f1aag", "%7B7d0f8a5e-3b8a-4d8c-9d53-0c2c8ab0f1aa%7D", "'%20OR%20true--",
            "00000000-0000-0000-0000-000000000000", SeededSite.newID(), SeededSite.newID().uppercased(),
        ]
        for id in ids {
            try await panel.send(operation.method, operation.target(id), body(operation))
                .expectError(404, "not_found", nil, "\(operation.testDescription), \(id)")
        }
    }

    @Test("the id of one kind of thing is not the id of another", arguments: Operation.withID)
    func otherKind(_ operation: Operation) async throws {
        let site = try await panel.seed()
        let domain = try await panel.seedDomain(site.staging, "\(site.slug).example")
        let job = try await panel.seedJob("cache_purge", site: site.site, environment: site.staging, status: "succeeded")
        let ids: [(Operation.Path, String)] = [
            (.site, site.site), (.environment, site.staging), (.domain, domain), (.job, job),
        ]
        for (kind, id) in ids where kind != operation.path {
            try await panel.send(operation.method, operation.target(id), body(operation))
                .expectError(404, "not_found", nil, "\(operation.testDescription), of \(kind)")
        }
    }

    @Test("ids are compared without regard to case, and answered in lower case")
    func upperCase() async throws {
        let site = try await panel.seed()
        let shown = try await panel.get("/api/sites/\(site.site.uppercased())")
        #expect(shown["id"]?.string == site.site)
        let environment = try await panel.get("/api/environments/\(site.staging.uppercased())")
        #expect(environment["id"]?.string == site.staging)
        let body = #"{"name":"N","slug":"n","type":"clone","promotion_preset":"content-protect","source_environment_id":"\#(site.staging.uppercased())"}"#
        try await panel.accept("POST", "/api/sites/\(site.site.uppercased())/environments", body)
    }

    static let templates = Dictionary(grouping: Operation.all, by: \.template).mapValues { Set($0.map(\.method)) }

    @Test("a method that a path does not take is 405 with Allow", arguments: templates.keys.sorted())
    func methods(_ template: String) async throws {
        let taken = Self.templates[template] ?? []
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] where !taken.contains(method) {
            let answer = try await panel.send(method, template.replacing("{id}", with: SeededSite.newID()))
            answer.expectError(405, "method_not_allowed", nil, "\(method) \(template)")
            let allowed = Set((answer.field("allow") ?? "").split(separator: ",").map { $0.trimmingPrefix(" ") }.map(String.init))
            #expect(taken.isSubset(of: allowed) && !allowed.contains(method), "\(method) \(template): \(allowed)")
        }
    }

    @Test("a path that is not there is 404 in the envelope", arguments: [
        "/", "/api", "/api/", "/sites", "/login", "/api/settings", "/api/nodes", "/api/sites/", "/api/sites//environments",
        "/API/sites", "/api/jobs/", "/api/environments", "/api/domains", "/api/metrics/x", "/api/v1/sites", "/_admin", "/api/sites/x/y/z",
    ])
    func unknownPath(_ path: String) async throws {
        for method in ["GET", "POST"] {
            try await panel.send(method, path).expectError(404, "not_found", nil, "\(method) \(path)")
        }
    }

    @Test("health and metrics need no credential")
    func open() async throws {
        #expect(try await panel.send("GET", "/healthz", as: .nobody).status == 200)
        #expect(try await panel.send("GET", "/readyz", as: .nobody).status == 200)
        let metrics = try await panel.send("GET", "/metrics", as: .nobody)
        #expect(metrics.status == 200 && metrics.text.contains("# TYPE"))
    }

    @Test("HEAD is answered like GET, without a body")
    func head() async throws {
        let address = panel.process.address
        let cookie = "session_token=\(panel.session)"
        let response = try await TestLoops.run {
            let client = try await TestClient.connect(to: address)
            defer { client.close() }
            return try await client.exchange("HEAD", "/api/sites", fields: ["Cookie": cookie])
        }
        #expect(response.status == 200 && response.body.isEmpty)
    }
}
