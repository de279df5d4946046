import EventLoop
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

/// The commands of a service, run as an operator runs them.
@Suite(.serialized) struct CommandTests {
    @Test("migrate tells what it applied, and nothing more the second time")
    func migrate() async throws {
        try await withSample { sample in
            let first = try await sample.run("migrate")
            #expect(first.exit == .exited(code: 0))
            #expect(first.output.split(separator: "\n").map(String.init) == [
                "applied 1 access tokens", "applied 2 idempotency keys", "applied 3 limits", "applied 4 audit trail",
                "applied 5 notes", "the role \(sample.serving) has its rights",
            ])
            let second = try await sample.run("migrate")
            #expect(second.output.hasPrefix("the schema is current\n") && second.exit == .exited(code: 0))
        }
    }

    @Test("the serving role has exactly its rights, and loses others at the next migrate")
    func rights() async throws {
        try await withSample { sample in
            try await sample.migrate()
            let owner = sample.database.open { $0.url = sample.url(sample.owner) }
            try await owner.execute("GRANT DELETE ON note TO \(identifier: sample.serving)")
            try await sample.migrate()
            await owner.close()
            let serving = sample.database.open { $0.url = sample.url(sample.serving) }
            for allowed in [
                "SELECT * FROM note", "INSERT INTO note (text) VALUES ('x')", "SELECT * FROM access_token",
                "SELECT access_token_used('0123456789ab')", "SELECT * FROM schema_migration",
            ] {
                await #expect(throws: Never.self) { try await serving.execute(Command(text: allowed)) }
            }
            for refused in [
                "DELETE FROM note", "UPDATE note SET text = ''", "UPDATE access_token SET revoked_at = NULL",
                "INSERT INTO access_token (id, secret_sha256, client, role) VALUES ('0123456789ab', sha256('x'), 'c', 'r')",
                "CREATE TABLE mine (n int)", "DELETE FROM audit_event", "DROP TABLE note",
                "INSERT INTO schema_migration VALUES (9, 'x', 'x')",
            ] {
                let error = await #expect(throws: DatabaseError.self) { try await serving.execute(Command(text: refused)) }
                #expect(error?.server?.state == .insufficientPrivilege, "\(refused)")
            }
            await serving.close()
        }
    }

    @Test("a serving role that does not exist is named")
    func noRole() async throws {
        try await withSample { sample in
            var variables = sample.variables
            variables["TRIVET_DATABASE_URL"] = sample.url("nobody_here")
            let done = try await ServiceUnderTest.run("sample-service", ["migrate"], environment: variables)
            #expect(done.exit == .exited(code: 1))
            #expect(done.error == "sample-service: the role nobody_here of TRIVET_DATABASE_URL does not exist: create it first\n")
        }
    }

    @Test("token create prints the token and nothing else; list hides it; revoke ends it")
    func tokens() async throws {
        try await withSample { sample in
            try await sample.migrate()
            let done = try await sample.run("token", "create", "--client", "ci", "--role", "writer", "--expires-in-days", "30")
            #expect(done.exit == .exited(code: 0) && done.error.isEmpty)
            let token = done.output.dropLast()
            #expect(done.output.last == "\n" && token.utf8.count == 60 && token.hasPrefix("trv_"))
            let id = String(token.dropFirst(4).prefix(12))
            let list = try await sample.run("token", "list")
            #expect(list.output.contains(id) && list.output.contains("active") && !list.output.contains(token.suffix(43)))
            #expect(try await sample.run("token", "revoke", id).exit == .exited(code: 0))
            #expect(try await sample.run("token", "list").output.contains("revoked"))
            let unknown = try await sample.run("token", "revoke", "0123456789ab")
            #expect(unknown.exit == .exited(code: 1) && unknown.error == "sample-service: there is no token 0123456789ab\n")
        }
    }

    @Test(
        "what the command line gets wrong is exit 2",
        arguments: [
            [], ["srve"], ["serve", "now"], ["token"], ["token", "create", "--client", "ci"],
            ["token", "create", "--client", "a b", "--role", "writer"],
            ["token", "create", "--client", "ci", "--role", "emperor"], ["token", "revoke"], ["token", "revoke", "x"],
        ])
    func usage(arguments: [String]) async throws {
        let done = try await ServiceUnderTest.run("sample-service", arguments, environment: [:])
        #expect(done.exit == .exited(code: 2) && done.output.isEmpty && done.error.contains("Usage: sample-service"))
    }

    @Test("help and version need no configuration")
    func help() async throws {
        let version = try await ServiceUnderTest.run("sample-service", ["version"], environment: [:])
        #expect(version.output == "sample-service 1.2.3\n")
        for arguments in [["--help"], ["serve", "--help"], ["token", "create", "--help"]] {
            let help = try await ServiceUnderTest.run("sample-service", arguments, environment: [:])
            #expect(help.exit == .exited(code: 0) && help.output.hasPrefix("Usage: sample-service"))
        }
    }

    @Test("a configuration that cannot be used is exit 78, one line for each problem", arguments: ["serve", "migrate", "check-config"])
    func configuration(command: String) async throws {
        let done = try await ServiceUnderTest.run(
            "sample-service", [command], environment: ["TRIVET_LISTNE": "x", "TRIVET_READS_PER_MINUTE": "-1"])
        #expect(done.exit == .exited(code: 78) && done.output.isEmpty)
        #expect(done.error.split(separator: "\n").map(String.init) == [
            "sample-service: TRIVET_LISTNE is not a variable of this service; did you mean TRIVET_LISTEN?",
            "sample-service: TRIVET_DATABASE_URL is required: libpq URI of the role that serves",
            "sample-service: TRIVET_READS_PER_MINUTE must be a whole number from 0 to 5000, not \"-1\"",
        ])
    }

    @Test("check-config shows what is in force, without passwords")
    func checkConfig() async throws {
        let done = try await ServiceUnderTest.run(
            "sample-service", ["check-config"], environment: ["TRIVET_DATABASE_URL": "postgres://u:hush@h/d"])
        #expect(done.exit == .exited(code: 0) && done.output.contains("TRIVET_DATABASE_URL=postgres://u:[redacted]@h/d"))
        #expect(!done.output.contains("hush"))
    }

    @Test("a database that is not there is one line and exit 1")
    func noDatabase() async throws {
        let done = try await ServiceUnderTest.run(
            "sample-service", ["token", "list"], environment: ["TRIVET_DATABASE_URL": "postgres://u:hush@127.0.0.1:1/d"])
        #expect(done.exit == .exited(code: 1))
        #expect(done.error.split(separator: "\n").count == 1 && done.error.hasPrefix("sample-service: database unavailable"))
        #expect(!done.error.contains("hush"))
    }
}
