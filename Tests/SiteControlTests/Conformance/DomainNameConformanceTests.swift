import Encoding
import TestSupport
import Testing

/// The normalisation of host names (operation 21), and the settings that some names and all preview addresses depend on.
@Suite(.serialized) struct DomainNameConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    private static let label = String(repeating: "l", count: 63)
    /// 253 characters: 63 + 63 + 63 + 61 and three dots.
    private static let longest = "\(label).\(label).\(label).\(String(repeating: "m", count: 61))"

    private func add(_ hostname: String, to environment: String, on other: Panel? = nil) async throws -> Answer {
        let body: JSONValue = ["hostname": .string(hostname)]
        return try await (other ?? panel).send("POST", "/api/environments/\(environment)/domains", bytes: body.bytes)
    }

    @Test("a host name is trimmed, put in lower case and freed of one dot at its end", arguments: [
        ("WWW.Shop-1.Example", "www.shop-1.example"), ("  a.example\t", "a.example"), ("b.example.", "b.example"), (" C.Example. ", "c.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("1.2.example", "1.2.example"), ("a--b.example", "a--b.example"),
        ("\(label).example", "\(label).example"), (longest, longest), ("0a.example", "0a.example"),
    ])
    func normal(_ given: String, _ stored: String) async throws {
        let site = try await panel.seed()
        try await panel.execute("DELETE FROM domains WHERE hostname = '\(stored)'")
        let answer = try await add(given, to: site.staging)
        #expect(answer.status == 202, "\(given): \(answer.text)")
        #expect(try await panel.get("/api/environments/\(site.staging)/domains").array?.first?["hostname"]?.string == stored)
    }

    @Test("what is no host name is 400", arguments: [
        "", " ", ".", "..", "localhost", "example", "example.", "a..example", ".a.example", "a.example..", "-a.example", "a-.example",
        "a_b.example", "a b.example", "*.example.net", "http://a.example", "https://a.example/", "a.example/path", "a.example:443", "a.example?",
        "user@a.example", "192.0.2.1", "127.0.0.1", "[2001:db8::1]", "2001:db8::1", "1.2.3.4.", "bücher.example", "a.exa\u{0}mple", "a.example\n b",
        "a,b.example", "a.example#x", "a\\b.example", "\(label)l.example", "m\(longest)", "a.e\u{301}xample", "a．example",
    ])
    func refused(_ given: String) async throws {
        let site = try await panel.seed()
        let answer = try await add(given, to: site.staging)
        answer.expectError(400, "bad_request", nil, given)
        #expect(answer.problemFields == ["hostname"], "\(answer.text)")
        #expect(try await panel.get("/api/environments/\(site.staging)/domains") == [])
    }

    // MARK: Settings

    private static let withPreview = """
        {"preview_domain":"sites.example.net","dns01_provider":"cloudflare","dns01_credentials_json":{"api_token":"\(Panel.canaries["DNS token"] ?? "")"}}
        """

    /// As an object, or as the text of one: the reference leaves it open.
    private func configurePreview(_ panel: Panel) async throws {
        var answer = try await panel.send("PATCH", "/_admin/settings", Self.withPreview)
        if answer.status == 400 {
            let text = #"{\"api_token\":\"\#(Panel.canaries["DNS token"] ?? "")\"}"#
            answer = try await panel.send(
                "PATCH", "/_admin/settings",
                #"{"preview_domain":"sites.example.net","dns01_provider":"cloudflare","dns01_credentials_json":"\#(text)"}"#)
        }
        try #require(answer.status == 200, "\(answer.text)")
    }

    @Test("with a preview domain new environments get an address below it; those that there are keep theirs")
    func preview() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            func url(_ slug: String) async throws -> (id: String, url: String) {
                let job = try await panel.accept("POST", "/api/sites", #"{"name":"P","slug":"\#(slug)"}"#)
                let id = try await panel.get("/api/jobs/\(job)")["environment_id"]?.string ?? ""
                return (id, try await panel.get("/api/environments/\(id)")["preview_url"]?.string ?? "")
            }
            let before = try await url("before")
            #expect(before.url == "http://\(before.id.prefix(8)).198-51-100-7.sslip.io")
            try await configurePreview(panel)
            let after = try await url("after")
            #expect(after.url == "https://\(after.id.prefix(8)).sites.example.net")
            #expect(try await panel.get("/api/environments/\(before.id)")["preview_url"]?.string == before.url)
            // Nodes without an address will do then.
            try await panel.execute("UPDATE nodes SET public_ip = NULL")
            #expect(try await url("without-ip").url.hasSuffix(".sites.example.net"))
        }
    }

    @Test("the panel's own name, the preview domain and what lies below it cannot be attached")
    func reserved() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            try await configurePreview(panel)
            #expect(try await panel.send("PATCH", "/_admin/settings", #"{"control_plane_domain":"panel.example.net"}"#).status == 200)
            let site = try await panel.seed()
            for name in ["panel.example.net", "PANEL.example.net.", "sites.example.net", "a.sites.example.net", "b.a.sites.example.net"] {
                try await add(name, to: site.staging, on: panel).expectError(409, "conflict", "hostname_taken", name)
            }
            #expect(try await add("mysites.example.net", to: site.staging, on: panel).status == 202)
        }
    }

    @Test("settings are shown without the credentials, and refused where they do not go together")
    func settings() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let empty = try await panel.get("/_admin/settings")
            let keys = Set(empty.object?.keys ?? [])
            #expect(keys.isSuperset(of: ["control_plane_domain", "preview_domain", "dns01_provider", "dns01_credentials_json"]))
            #expect(empty["control_plane_domain"]?.isNull == true && empty["preview_domain"]?.isNull == true)
            let refused = [
                #"{"preview_domain":"sites.example.net"}"#, #"{"preview_domain":"sites.example.net","dns01_provider":"cloudflare"}"#,
                #"{"preview_domain":"not a name","dns01_provider":"cloudflare"}"#, #"{"control_plane_domain":"https://x.example"}"#,
                #"{"control_plane_domain":1}"#, #"{"unknown":"x"}"#, #"{"preview_domain":["a.example"]}"#, "[]", "null", "",
            ]
            for body in refused {
                try await panel.send("PATCH", "/_admin/settings", body).expectError(400, "bad_request", nil, body)
                #expect(try await panel.get("/_admin/settings") == empty, "\(body)")
            }
            try await configurePreview(panel)
            let shown = try await panel.send("GET", "/_admin/settings")
            #expect(shown.json["dns01_credentials_json"] == ["configured": true])
            #expect(shown.json["preview_domain"] == "sites.example.net" && shown.json["dns01_provider"] == "cloudflare")
            // Alone it would leave the preview domain without what it needs.
            try await panel.send("PATCH", "/_admin/settings", #"{"dns01_provider":null}"#).expectError(400, "bad_request")
            let audit = try await panel.rows("SELECT * FROM audit_logs WHERE action = 'settings_update'")
            #expect(audit.count == 1 && audit[0]["resource_type"] == "setting" && audit[0]["result"] == "succeeded")
            for table in ["settings", "audit_logs", "jobs"] {
                let rows = try await panel.rows("SELECT * FROM \(table)")
                #expect(!rows.contains { String(decoding: $0.bytes, as: UTF8.self).contains(Panel.canaries["DNS token"] ?? "") }, "\(table)")
            }
        }
    }
}
