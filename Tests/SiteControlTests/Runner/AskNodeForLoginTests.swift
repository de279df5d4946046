import Encoding
import EventLoop
import Foundation
import Locking
import Postgres
import ServiceKit
import TestSupport
import Testing
@testable import SiteControl

@Suite(.serialized) struct AskNodeForLoginTests {
    private func ask(_ stage: RunnerStage, timeout: Duration = .seconds(10)) -> AskNodeForLogin {
        AskNodeForLogin(
            database: stage.database, secrets: stage.secrets, settings: stage.executor.settings, pool: stage.executor.pool,
            timeout: timeout, logger: stage.executor.logger)
    }

    private let actor = Actor(Identity(client: "test", role: "automation", credentialID: "scs_test"))

    @Test("the node is asked by one fixed command, as the environment's user, with nothing secret in it")
    func command() async throws {
        try await RunnerStage.with { stage in
            let login = ask(stage)
            let (actor, site) = (actor, stage.site)
            let link = try await TestLoops.run { try await login(site.staging, by: actor) }
            #expect(link.url.hasPrefix("http://\(site.staging.description.prefix(8)).198-51-100-7.sslip.io/wp-login.php?action=trivet_magic&token="))
            let call = try #require(try stage.journal("start", "ssh-journal.jsonl").first)
            let root = "/var/www/sites/\(site.id)/\(site.staging)"
            #expect(
                call["command"]?.string
                    == "sudo -n -u wp_\(site.staging.description.prefix(8)) -- /usr/local/bin/trivet-wp magic-login \(site.staging) \(root)")
            #expect(!String(decoding: JSONValue.object(call).bytes, as: UTF8.self).contains(RunnerStage.canary))
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
            let token = try #require(link.url.split(separator: "=").last)
            #expect(!TestFolder.text(stage.logPath).contains(token))
        }
    }

    @Test("a second question about an environment is refused while one is open, and the limit holds for all of it")
    func oneAtATime() async throws {
        try await RunnerStage.with { stage in
            try TestFolder.write(stage.folder + "/ssh-control.json", #"{"rules": [{"hang": true, "ignore_term": true}]}"#)
            let login = ask(stage, timeout: .milliseconds(700))
            let (actor, site) = (actor, stage.site)
            let refusals = Locked<[String]>([])
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        do {
                            _ = try await TestLoops.run { try await login(site.staging, by: actor) }
                        } catch {
                            refusals.withLock { $0.append("\(error)") }
                        }
                    }
                }
            }
            #expect(refusals.withLock { $0.sorted() } == ["busy", "nodeUnreachable"])
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }
}
