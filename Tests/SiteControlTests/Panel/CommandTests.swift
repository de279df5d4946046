import Encoding
import EventLoop
import Foundation
import TestSupport
import Testing

extension Panel {
    func command(_ arguments: [String]) async throws -> (exit: ChildExit, output: String, error: String) {
        try await ServiceUnderTest.run(Panel.name, arguments, environment: environment)
    }

    /// A file with this text in the panel's folder.
    func file(_ name: String, _ text: String) throws -> String {
        let url = directory.appendingPathComponent(name)
        try Data(text.utf8).write(to: url)
        return url.path
    }
}

@Suite struct CommandTests {
    static let idle = ["TRIVET_WORKERS": "0"]

    @Test("an administrator is made once; a new password ends what the old one had opened")
    func administrators() async throws {
        try await Panel.run(Self.idle) { panel in
            let first = try panel.file("first", "first password\n")
            #expect(try await panel.command(["admin", "create", "--email", " Second@Example.NET ", "--password-file", first]).exit.isSuccess)
            let again = try await panel.command(["admin", "create", "--email", "second@example.net", "--password-file", first])
            #expect(again.exit == .exited(code: 1) && again.error.contains("second@example.net"))
            let session = try await panel.logIn("second@example.net", "first password")
            let second = try panel.file("second", "another password")
            #expect(try await panel.command(["admin", "reset-password", "--email", "second@example.net", "--password-file", second]).exit.isSuccess)
            #expect(try await panel.send("GET", "/api/jobs", as: .cookie(session)).status == 401)
            #expect(try await panel.send("GET", "/api/jobs", as: .administrator).status == 200)
            #expect(try await panel.logIn("second@example.net", "another password").isEmpty == false)
            #expect(try await panel.command(["admin", "reset-password", "--email", "nobody@example.net", "--password-file", second]).exit == .exited(code: 1))
            for (name, text) in [("short", "seven77"), ("control", "with\na line break"), ("long", String(repeating: "x", count: 1025))] {
                let refused = try await panel.command(["admin", "create", "--email", "x@example.net", "--password-file", try panel.file(name, text)])
                #expect(refused.exit == .exited(code: 1) && !refused.error.contains(text), "\(name)")
            }
            #expect(try await panel.command(["admin", "create", "--email", "nobody", "--password-file", first]).exit == .exited(code: 2))
            #expect(try await panel.command(["admin", "create", "--email", "y@example.net", "--password-file", "/nowhere"]).exit == .exited(code: 1))
        }
    }

    @Test("a node is added with its key and host keys, listed, and provisioned once at a time")
    func nodes() async throws {
        try await Panel.run(Self.idle) { panel in
            let key = panel.directory.path + "/node_key"
            func add(_ name: String, _ more: [String] = [], host: String = "alpha.example", port: String = "22") async throws -> (exit: ChildExit, output: String, error: String) {
                try await panel.command(
                    ["node", "add", "--name", name, "--host", host, "--ssh-user", "trivet", "--ssh-port", port, "--ssh-key-file", key] + more)
            }
            let added = try await add("alpha", ["--public-ip", "198.51.100.9", "--host-key-file", key + ".pub"])
            let id = added.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(added.exit.isSuccess && UUID(uuidString: id) != nil, "\(added.error)")
            let pinned = try String(contentsOfFile: panel.directory.path + "/secrets/known_hosts/\(id)", encoding: .utf8)
            #expect(pinned.hasPrefix("alpha.example ssh-ed25519 ") && pinned.split(separator: " ").count == 3)
            let stored = try Data(contentsOf: URL(fileURLWithPath: panel.directory.path + "/secrets/node/\(id)/ssh_key"))
            #expect(!String(decoding: stored, as: UTF8.self).contains("PRIVATE KEY"))

            #expect(try await add("alpha", host: "beta.example").error.contains("alpha already"))
            #expect(try await add("beta").error.contains("alpha.example, port 22 already"))
            #expect(try await add("beta", ["--local"], host: "beta.example").error.contains("local node already"))
            #expect(try await panel.count("nodes") == 2)
            let left = try FileManager.default.contentsOfDirectory(atPath: panel.directory.path + "/secrets/node")
                .filter { FileManager.default.fileExists(atPath: panel.directory.path + "/secrets/node/\($0)/ssh_key") }
            #expect(left.count == 2, "keys of nodes that were refused are gone")
            for (host, port) in [("-oProxyCommand=x", "22"), ("a b", "22"), ("x'y", "22"), ("alpha.example", "0"), ("alpha.example", "65536")] {
                #expect(try await add("gamma", host: host, port: port).exit == .exited(code: 2), "\(host) \(port)")
            }
            #expect(try await panel.command(
                ["node", "add", "--name", "delta", "--host", "d.example", "--ssh-user", "trivet", "--ssh-key-file", key + ".pub"]).exit == .exited(code: 1))

            let list = try await panel.command(["node", "list"]).output
            #expect(list.contains("\(id)\talpha\ttrivet@alpha.example:22\tprovisioning\t198.51.100.9\t-\n"), "\(list)")
            let job = try await panel.command(["node", "provision", "alpha"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
            let shown = try await panel.get("/api/jobs/\(job)")
            #expect(shown["job_type"] == "node_provision" && shown["node_id"]?.string == id && shown["status"] == "queued")
            #expect(try await panel.command(["node", "provision", "alpha"]).exit == .exited(code: 1))
            try await panel.send("POST", "/_admin/nodes/\(id)/provision", as: .automation).expectError(409, "conflict", "node_busy")
            #expect(try await panel.send("POST", "/api/jobs/\(job)/cancel", as: .automation).status == 200)
            let second = try await panel.accept("POST", "/_admin/nodes/\(id)/provision", as: .automation)
            let audit = try await panel.row("SELECT * FROM audit_logs WHERE job_id = '\(second)'")
            #expect(audit["action"] == "node_provision" && audit["resource_type"] == "node" && audit["result"] == "accepted")
            let nodes = try #require(try await panel.get("/_admin/nodes").array)
            #expect(nodes.map { $0["name"]?.string } == ["local", "alpha"] && nodes[1]["public_ip"] == "198.51.100.9")
            try await panel.send("POST", "/_admin/nodes/\(SeededSite.newID())/provision").expectError(404, "not_found")
            #expect(try await panel.command(["node", "provision", "omega"]).exit == .exited(code: 1))
        }
    }

    @Test("settings are set and shown by the command line too; credentials are shown nowhere")
    func settings() async throws {
        try await Panel.run(Self.idle) { panel in
            let canary = "canary-of-dns-71c0"
            let credentials = try panel.file("dns.json", #"{"dns_cloudflare_api_token": "\#(canary)"}"# + "\n")
            #expect(try await panel.command(["settings", "set", "preview_domain", "sites.example.net"]).exit == .exited(code: 1))
            #expect(try await panel.command(["settings", "set", "dns01_provider", "cloudflare"]).exit.isSuccess)
            #expect(try await panel.command(["settings", "set", "dns01_credentials_json", "@" + credentials]).exit.isSuccess)
            #expect(try await panel.command(["settings", "set", "preview_domain", "Sites.Example.Net."]).exit.isSuccess)
            let shown = try await panel.command(["settings", "get"]).output
            #expect(
                shown == #"{"control_plane_domain":null,"preview_domain":"sites.example.net","dns01_provider":"cloudflare","#
                    + #""dns01_credentials_json":{"configured":true}}"# + "\n")
            let same = try JSONReader.parse(Array(shown.utf8))
            #expect(try await panel.get("/_admin/settings") == same)
            for (key, value) in [("dns01_provider", ""), ("dns01_credentials_json", "{}"), ("dns01_credentials_json", "no json"), ("control_plane_domain", "a b")] {
                #expect(try await panel.command(["settings", "set", key, value]).exit == .exited(code: 1), "\(key)")
            }
            for name in ["dns01_credentials_json", "dns_cloudflare_api_token"] {
                for value in [#"{"a b": "x"}"#, #"{"a": 1}"#, #"{"a": "x\ny = z"}"#, #"{"a": ""}"#, "[]", #""x""#] {
                    try await panel.send("PATCH", "/_admin/settings", #"{"\#(name)": \#(value)}"#).expectError(400, "bad_request", nil, value)
                }
            }
            // All are taken away together.
            let gone = try await panel.send(
                "PATCH", "/_admin/settings", #"{"preview_domain": null, "dns01_provider": null, "dns01_credentials_json": null}"#)
            #expect(gone.status == 200 && gone.json["dns01_credentials_json"] == ["configured": false])
            #expect(!FileManager.default.fileExists(atPath: panel.directory.path + "/secrets/setting/dns01_credentials_json"))
            #expect(!panel.process.log.contains(canary))
            for table in ["settings", "audit_logs", "jobs", "job_events"] {
                let rows = try await panel.rows("SELECT * FROM \(table)")
                #expect(!rows.contains { String(decoding: $0.bytes, as: UTF8.self).contains(canary) }, "\(table)")
            }
            #expect(try await panel.send("GET", "/_admin/settings", as: .automation).status == 403)
        }
    }
}
