import Encoding
import Foundation
import Postgres
import SiteControlDomain
import Testing
@testable import SiteControl

@Suite struct RunVariableTests {
    static let page = TestFolder.text(TestFolder.repository + "/deploy/ansible/VARIABLES.md")

    /// Names in the first column of the tables before the results, and whether they are marked as secrets.
    static let documented: [String: Bool] = {
        var names: [String: Bool] = [:]
        let part = page.split(separator: "## Results", maxSplits: 1).first ?? ""
        for line in part.split(separator: "\n") where line.hasPrefix("| `") {
            let cell = line.dropFirst(2).prefix { $0 != "|" }
            let words = cell.split(separator: "`", omittingEmptySubsequences: false)
            for index in stride(from: 1, to: words.count, by: 2) {
                let mark = index + 1 < words.count && words[index + 1].contains("**S**")
                names[String(words[index])] = names[String(words[index])] ?? false || mark
            }
        }
        return names
    }()

    @Test("VARIABLES.md tells every variable of the table and no other, and which are secrets")
    func documentation() {
        let table = Dictionary(uniqueKeysWithValues: RunVariable.table.map { ($0.name, $0.isSecret) })
        #expect(Set(Self.documented.keys).subtracting(table.keys).sorted() == [])
        #expect(Set(table.keys).subtracting(Self.documented.keys).sorted() == [])
        for (name, isSecret) in table { #expect(Self.documented[name] == isSecret, "\(name)") }
    }

    @Test("VARIABLES.md lists what each job gets, as the table has it")
    func listing() {
        #expect(Self.page.contains(RunVariable.listing), "put this into VARIABLES.md:\n\(RunVariable.listing)")
    }

    @Test("a job's file holds exactly its variables, each of its type, and nothing nested", arguments: JobType.allCases)
    func file(_ type: JobType) async throws {
        try await RunnerStage.with { stage in
            let attempt = try await stage.acceptedAttempt(type)
            let facts = try await RunFacts.read(for: attempt, from: stage.database)
            let secrets = try RunVariables.Secrets(for: attempt, from: stage.secrets)
            let variables = RunVariables(attempt, facts, secrets, stage.executor.settings.installation, resultPath: "/r")
            #expect(variables.object.keys == RunVariable.of(type).map(\.name))
            for variable in RunVariable.of(type) {
                let value = try #require(variables.object[variable.name])
                switch variable.kind {
                case .string: #expect(value.string != nil, "\(variable.name)")
                case .integer: #expect(value.int != nil, "\(variable.name)")
                case .boolean: #expect(value.bool != nil, "\(variable.name)")
                case .strings: #expect(value.array?.allSatisfy { $0.string != nil } == true, "\(variable.name)")
                }
                if variable.isSecret { #expect(variables.secrets.contains(value.string ?? "") || value == "", "\(variable.name)") }
            }
        }
    }

    @Test("values are those of the reference")
    func values() async throws {
        try await RunnerStage.with { stage in
            let site = stage.site
            let key = "wp_" + site.staging.description.prefix(8)
            func object(_ type: JobType) async throws -> JSONObject {
                let attempt = try await stage.acceptedAttempt(type)
                let facts = try await RunFacts.read(for: attempt, from: stage.database)
                return RunVariables(
                    attempt, facts, RunVariables.Secrets(), stage.executor.settings.installation, resultPath: "/r"
                ).object
            }
            let deploy = try await object(.environmentDeploy)
            let root = "/var/www/sites/\(site.id)/\(site.staging)"
            #expect(deploy["environment_root"]?.string == root)
            #expect(deploy["release_name"]?.string?.hasPrefix("20260304050607-") == true)
            #expect(deploy["release_path"]?.string == root + "/releases/" + (deploy["release_name"]?.string ?? ""))
            for name in ["environment_user", "database_name", "database_user", "redis_user"] {
                #expect(deploy[name]?.string == key)
            }
            #expect(deploy["redis_prefix"]?.string == "trivet_\(site.staging):")
            #expect(deploy["canonical_url"] == deploy["preview_url"])
            let toggle = try await object(.cacheToggle)
            #expect(toggle["redis_cache_enabled"] == false && toggle["fastcgi_cache_enabled"] == true)
            let drift = try await object(.driftCheck)
            #expect(drift["source_environment_id"]?.string == site.production.description)
            #expect(drift["protected_paths"] == ["wp-content/uploads"])
            let domain = try await object(.domainAdd)
            #expect(domain["domain_hostname"] == "www.shop.example" && domain["make_primary"] == true)
            #expect(domain["cache_hostnames"]?.array?.contains("www.shop.example") == true)
            #expect(domain["node_public_ip"] == "198.51.100.7")
            try await stage.database.execute(
                "UPDATE environments SET primary_domain_id = (SELECT id FROM domains) WHERE id = \(site.staging)")
            #expect(try await object(.healthCheck)["health_url"] == "https://www.shop.example")
        }
    }

    @Test("only backups past their time are ever named for deletion")
    func cleanup() async throws {
        try await RunnerStage.with { stage in
            let fresh = try await stage.database.addBackup(of: stage.site.staging)
            let old = try await stage.database.addBackup(of: stage.site.staging, ageSeconds: 100)
            try await stage.database.execute(
                "UPDATE backups SET retention_until = now() - interval '1 second' WHERE id = \(old)")
            let payload: JSONValue = ["backup_ids": [.string(fresh.description), .string(old.description)]]
            let facts = try await RunFacts.read(for: stage.attempt(.backupCleanup, payload), from: stage.database)
            #expect(facts.expired.map(\.id) == [old])
        }
    }

    @Test("host names and users that mean more than a name are refused")
    func inventory() throws {
        #expect(
            try Inventory(host: "n1.example", port: 22, user: "trivet", keyFile: "/k").text
                == "[target]\nn1.example ansible_port=22 ansible_user=trivet ansible_ssh_private_key_file=/k\n")
        for bad in ["", "a b", "a\nb", "-oProxyCommand=x", "a'b", "a\"b", "a[1:2]", "a;b", "a=b", "a#b"] {
            #expect(throws: Inventory.Refused.self, "\(bad)") { try Inventory(host: bad, port: 22, user: "u", keyFile: "/k") }
            #expect(throws: Inventory.Refused.self, "\(bad)") { try Inventory(host: "h", port: 22, user: bad, keyFile: "/k") }
        }
    }

    @Test("words of a remote command reach it as they are")
    func quoting() throws {
        for word in ["plain", "", "two words", "it's", "$(id)", "`id`", "a\"b", "a\\b", "*", "~", "a;b", "é"] {
            let process = Process()
            let pipe = Pipe()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "printf %s \(SSHCommand.quoted(word))"]
            process.standardOutput = pipe
            try process.run()
            #expect(String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == word)
            process.waitUntilExit()
        }
    }
}
