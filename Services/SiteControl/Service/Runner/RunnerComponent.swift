import Encoding
import EventLoop
import Postgres
import ServiceKit

/// The runner as the service has it: what runs jobs, and what asks nodes.
struct RunnerComponent {
    /// Threads for key files, scratch folders and the search for left processes.
    static let poolThreads = 4

    /// nil where this process runs no jobs.
    let executor: AnsibleExecutor?
    let check: PlaybookCheck?
    let magicLogin: any MagicLogin
    /// The check of the playbooks, where jobs are run.
    let background: [BackgroundTask]
    let readiness: [@Sendable () async -> String?]

    /// - Throws: where this process is to run jobs and a playbook of the registry, or a program, is missing.
    init(_ runtime: ServiceRuntime, secrets: SecretStore, pool: BlockingPool) throws {
        let runsJobs = runtime.configuration[ServiceVariables.workers] > 0
        let settings: RunnerSettings
        do {
            settings = try RunnerSettings(runtime.configuration)
        } catch {
            if runsJobs { throw error }
            // Without jobs only magic login needs a program; the rest of the API does not depend on it.
            runtime.logger.warn("nodes cannot be asked for logins", .text("reason", error.description))
            executor = nil
            check = nil
            magicLogin = NoMagicLogin()
            background = []
            readiness = []
            return
        }
        magicLogin = AskNodeForLogin(
            database: runtime.database, secrets: secrets, settings: settings, pool: pool,
            timeout: runtime.configuration[ServiceVariables.nodeQueryTimeout], logger: runtime.logger)
        guard runsJobs else {
            executor = nil
            check = nil
            background = []
            readiness = []
            return
        }
        let missing = settings.missingPlaybooks
        guard missing.isEmpty else {
            throw RunnerSettings.Unusable(description: "playbooks are missing: \(missing.joined(separator: ", "))")
        }
        executor = AnsibleExecutor(
            database: runtime.database, secrets: secrets, settings: settings, pool: pool, logger: runtime.logger)
        let check = PlaybookCheck(settings, pool: pool, logger: runtime.logger)
        self.check = check
        background = [BackgroundTask("playbook check", stop: .atOnce) { await check.run() }]
        readiness = [{ check.problem }]
    }

    /// For the engine: waits for the check; false where no job may be begun.
    var mayClaim: @Sendable () async -> Bool {
        guard let check else { return { true } }
        return { await check.hasPassed() }
    }
}

/// Stands in where nodes cannot be asked.
private struct NoMagicLogin: MagicLogin {
    func callAsFunction(_ environment: UUID, by actor: Actor) async throws -> MagicLoginLink { throw Refusal.nodeUnreachable }
}
