import Encoding
import EventLoop
import Foundation
import Glibc
import Locking
import Postgres
import ServiceKit
import SiteControlDomain
import TestSupport
@testable import SiteControl

/// Everything an attempt needs: a database with a node and a site, a secret store with the node's key, a folder for the doubles
/// of ansible-playbook and ssh, and an executor that works with all of it.
struct RunnerStage: Sendable {
    /// In the node's key, the credentials and the passwords: whatever holds it, holds a secret.
    static let canary = "c4nary-7f3a91"

    let folder: String
    let database: Database
    let secrets: SecretStore
    let executor: AnsibleExecutor
    let site: TestSite

    var scratchRoot: String { folder + "/scratch" }
    var logPath: String { folder + "/log" }

    /// - Parameters:
    ///   - isLocal: a node without a key, on which real playbooks can be run.
    ///   - variables: of the configuration, beside those of the stage.
    static func with(
        isLocal: Bool = false, variables: [String: String] = [:], _ body: (RunnerStage) async throws -> Void
    ) async throws {
        try await TestFolder.with { folder in
            try await withTestDatabase { database in
                _ = try await Migrator(database, migrations: SiteControlService.definition.migrations).migrate()
                let node = try await database.addNode(name: "node", isLocal: isLocal)
                let site = try await database.addSite("shop", on: node)
                try await body(try stage(folder, database, site, isLocal, variables))
            }
        }
    }

    private static func stage(
        _ folder: String, _ database: Database, _ site: TestSite, _ isLocal: Bool, _ variables: [String: String]
    ) throws -> RunnerStage {
        let doubles = TestFolder.repository + "/Tests/doubles"
        for (link, double) in [("ansible-playbook", "ansible_playbook_double.py"), ("ssh", "ssh_double.py")] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/\(link)", withDestinationPath: "\(doubles)/\(double)")
        }
        try TestFolder.write(folder + "/control.json", "{}")
        try TestFolder.write(folder + "/ssh-control.json", "{}")
        let environment = [
            "TRIVET_DATABASE_URL": database.configuration.url, "TRIVET_SECRETS_DIRECTORY": folder + "/secrets",
            "TRIVET_SCRATCH_DIRECTORY": folder + "/scratch", "TRIVET_ANSIBLE_PLAYBOOK": folder + "/ansible-playbook",
            "TRIVET_SSH": folder + "/ssh", "TRIVET_ANSIBLE_DIRECTORY": TestFolder.repository + "/deploy/ansible",
            "TRIVET_S3_ENDPOINT": "https://s3.example", "TRIVET_S3_ACCESS_KEY_ID": canary + "-id",
            "TRIVET_S3_SECRET_ACCESS_KEY": canary + "-s3", "TRIVET_BACKUP_BUCKET": "backups",
        ].merging(variables) { $1 }
        let configuration = try ConfigurationLoader(environment: environment).load(SiteControlService.definition.schema)
        let secrets = try SecretStore(configuration)
        if !isLocal { try secrets.write(.nodeKey(site.node), Array("-----BEGIN KEY-----\n\(canary)-key\n-----END KEY-----\n".utf8)) }
        for environment in [site.production, site.staging] {
            try secrets.write(.databasePassword(environment: environment), Array("\(canary)-db \"é\\ '".utf8))
            try secrets.write(.redisPassword(environment: environment), Array("\(canary)-redis".utf8))
        }
        try secrets.write(.gitKey, Array("\(canary)-git".utf8))
        try secrets.write(.dnsCredentials, Array("dns_token = \(canary)-dns-token\n".utf8))
        var settings = try RunnerSettings(configuration, environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"])
        settings.stopGrace = .milliseconds(300)
        let log = open(folder + "/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let logger = Logger(level: .debug, format: .json, sink: LogSink(descriptor: log), loops: nil)
        let executor = AnsibleExecutor(
            database: database, secrets: secrets, settings: settings, pool: BlockingPool(threads: 4), logger: logger)
        return RunnerStage(folder: folder, database: database, secrets: secrets, executor: executor, site: site)
    }

    // MARK: What the doubles do

    func script(_ rules: String...) throws {
        try TestFolder.write(folder + "/control.json", #"{"rules": [\#(rules.joined(separator: ", "))]}"#)
    }

    func journal(_ event: String, _ file: String = "journal.jsonl") throws -> [JSONObject] {
        try TestFolder.text("\(folder)/\(file)").split(separator: "\n").compactMap { try JSONReader.parse(String($0)).object }
            .filter { $0["event"]?.string == event }
    }

    /// Returns once an event is in the journal.
    func awaitJournal(_ event: String) async throws -> JSONObject {
        while true {
            if let found = try journal(event).first { return found }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    // MARK: Attempts

    func attempt(_ type: JobType, _ payload: JSONValue = [:], timeout: Duration = .seconds(60)) -> Attempt {
        let isGlobal = type == .nodeProvision
        return Attempt(
            jobID: .fresh(), type: type, number: 2, term: 41, siteID: isGlobal ? nil : site.id,
            environmentID: isGlobal ? nil : site.staging, nodeID: site.node, payload: payload.object ?? JSONObject(),
            createdAt: Timestamp("2026-03-04T05:06:07Z") ?? .now(), timeout: timeout)
    }

    /// With the rows and the payload that a job of the type has when it was accepted.
    func acceptedAttempt(_ type: JobType, timeout: Duration = .seconds(60)) async throws -> Attempt {
        var payload: JSONValue = [:]
        switch type {
        case .siteImport:
            let backup = try await database.addBackup(of: site.staging)
            payload = [
                "archive_url": .string("https://mover:\(Self.canary)-url@files.example/a.tar.gz"),
                "snapshot_backup_id": .string(backup.description),
            ]
        case .environmentCreate: payload = ["source_environment_id": .string(site.production.description)]
        case .environmentDeploy: payload = ["source_type": "git", "source_ref": "https://git.example/shop.git#main"]
        case .environmentUpdate: payload = ["scope": "plugins", "snapshot_backup_id": nil]
        case .environmentRestore:
            payload = [
                "backup_id": .string(try await database.addBackup(of: site.production).description),
                "snapshot_backup_id": .string(try await database.addBackup(of: site.staging).description),
            ]
        case .environmentPromote:
            payload = [
                "source_environment_id": .string(site.staging.description),
                "backup_id": .string(try await database.addBackup(of: site.production).description),
            ]
        case .cacheToggle: payload = ["redis_cache_enabled": false]
        case .backupCreate: payload = ["backup_id": .string(try await database.addBackup(of: site.staging).description)]
        case .domainAdd, .domainRemove:
            let id = Encoding.UUID.fresh()
            try await database.execute(
                "INSERT INTO domains (id, environment_id, hostname) VALUES (\(id), \(site.staging), 'www.shop.example')")
            payload = ["domain_id": .string(id.description), "make_primary": true, "was_primary": true]
        case .healthCheck: payload = ["release_id": .string(Encoding.UUID.fresh().description)]
        case .releaseRollback:
            let row = try await database.one(
                "SELECT id FROM releases WHERE environment_id = \(site.staging)" as SQL<Columns<Encoding.UUID>>)
            payload = ["target_release_id": .string(row.values.description), "pre_change_dump": "/dump.sql"]
        default: break
        }
        return attempt(type, payload, timeout: timeout)
    }

    func run(_ attempt: Attempt, _ progress: HeardProgress = HeardProgress()) async throws -> AttemptReport {
        let executor = executor
        return try await TestLoops.run { await executor.run(attempt, progress: progress) }
    }
}

/// What a run has told.
final class HeardProgress: AttemptProgress {
    private struct State {
        var lines: [String] = []
        var events: [JSONObject] = []
    }

    private let state = Locked(State())

    var lines: [String] { state.withLock { $0.lines } }
    var events: [JSONObject] { state.withLock { $0.events } }
    /// All of it as one text.
    var text: String { lines.joined(separator: "\n") + events.map { String(decoding: JSONValue.object($0).bytes, as: UTF8.self) }.joined() }

    func line(_ stream: SiteControl.OutputStream, _ text: String) async { state.withLock { $0.lines.append(text) } }
    func event(_ data: JSONObject) async { state.withLock { $0.events.append(data) } }
}

extension AttemptOutcome {
    var result: JobResult? { if case .succeeded(let result) = self { result } else { nil } }
    var code: JobErrorCode? { if case .failed(let code, _) = self { code } else { nil } }
    var message: String { if case .failed(_, let message) = self { message } else { "" } }
    var isStopped: Bool { if case .stopped = self { true } else { false } }
}
