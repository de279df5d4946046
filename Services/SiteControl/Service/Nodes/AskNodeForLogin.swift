import Encoding
import EventLoop
import Glibc
import Locking
import Postgres
import ServiceKit
import SiteControlDomain

/// The magic login over ssh (reference 8.9): one fixed command, run on the node as the environment's own user, within one time
/// limit for everything.
///
/// Of one environment this process has one question open at a time, so that a slow node does not gather connections.
struct AskNodeForLogin: MagicLogin {
    /// The command on the node; it comes with the node's helpers.
    static let helper = "/usr/local/bin/trivet-wp"
    /// How long the token is good for.
    static let lifetime = Duration.seconds(60)
    private static let outputBytesMax = 4096

    let database: Database
    let secrets: SecretStore
    let ssh: SSHCommand
    let scratchRoot: String
    let pool: BlockingPool
    let timeout: Duration
    let logger: Logger
    private let open = OpenQuestions()

    init(
        database: Database, secrets: SecretStore, settings: RunnerSettings, pool: BlockingPool, timeout: Duration, logger: Logger
    ) {
        self.database = database
        self.secrets = secrets
        ssh = settings.ssh
        scratchRoot = settings.scratchRoot
        self.pool = pool
        self.timeout = timeout
        self.logger = logger
    }

    func callAsFunction(_ environment: UUID, by actor: Actor) async throws -> MagicLoginLink {
        guard let loop = Loop.current else { preconditionFailure("nodes are asked from a loop") }
        guard let row = try await database.first(EnvironmentRow.find(environment)) else {
            throw Refusal.notFound("environment")
        }
        let answer: Result<MagicLoginLink, any Error>
        do {
            guard row.status == .active else { throw Refusal.environmentNotActive }
            guard open.begin(environment) else { throw Refusal.busy }
            defer { open.end(environment) }
            answer = .success(try await ask(row, on: loop))
        } catch {
            answer = .failure(error)
        }
        // Also where the client has left: who asked is on record before anybody has the link.
        let database = database
        let result: AuditLog.Result = if case .success = answer { .succeeded } else { .failed }
        let audited = await withoutCancellation(on: loop) { () -> DatabaseError? in
            do throws(DatabaseError) {
                try await database.execute(
                    AuditLog.append(.random(), actor, .magicLogin, .environment, environment.description, result))
                return nil
            } catch {
                return error
            }
        }
        if let audited { throw Refusal.database(audited) }
        return try answer.get()
    }

    private func ask(_ environment: EnvironmentRow, on loop: Loop) async throws -> MagicLoginLink {
        guard let node = try await database.first(NodeRow.find(environment.nodeID)) else { throw Refusal.nodeUnreachable }
        let place = RunFacts.Place(
            environment: environment, domains: try await database.query(DomainRow.all(of: environment.id)))
        let asked = Timestamp.now()
        let output = try await output(of: place, node, on: loop)
        guard let answer = MagicLoginAnswer(output) else {
            logger.warn("a node gave no usable login", .text("environment", environment.id.description))
            throw Refusal.wpCLI
        }
        return MagicLoginLink(
            url: "\(place.canonicalURL)/wp-login.php?action=trivet_magic&token=\(answer.token)", expiresAt: asked + Self.lifetime)
    }

    private func output(of place: RunFacts.Place, _ node: NodeRow, on loop: Loop) async throws -> [UInt8] {
        let scratch = try await scratch(for: node)
        let command = ssh.run(
            [
                "sudo", "-n", "-u", place.key.unixName, "--", Self.helper, "magic-login", place.environment.id.description,
                place.paths.root,
            ],
            on: node, keyFile: scratch.folder.key, knownHosts: scratch.knownHosts, home: scratch.folder.path)
        let output = Locked<[UInt8]>([])
        let ended: Result<ChildResult, any Error>
        do {
            ended = .success(
                try await withTimeout(timeout) {
                    try await ChildProcess.run(
                        command, outputBytesMax: Self.outputBytesMax, teardown: [.signal(SIGKILL, grace: .seconds(1))]
                    ) { stream, bytes in
                        if stream == .output { output.withLock { $0 += bytes } }
                    }
                })
        } catch {
            ended = .failure(error)
        }
        await withoutCancellation(on: loop) { [pool] in
            do { try await pool.run { scratch.folder.remove() } } catch { scratch.folder.remove() }
        }
        switch ended {
        case .success(let result):
            guard !result.outputWasCut else { throw Refusal.wpCLI }
            switch result.exit {
            case .exited(code: 0): return output.withLock { $0 }
            case .exited(code: 255), .signalled:
                logger.warn("a node could not be asked for a login", .text("node", node.id.description))
                throw Refusal.nodeUnreachable
            case .exited(let code):
                logger.warn(
                    "a node refused a login", .text("node", node.id.description),
                    .text("environment", place.environment.id.description), .number("code", Int(code)))
                throw Refusal.wpCLI
            }
        case .failure(let error):
            logger.warn("a node could not be asked for a login", .text("node", node.id.description), .text("reason", "\(error)"))
            throw Refusal.nodeUnreachable
        }
    }

    private func scratch(for node: NodeRow) async throws -> (folder: ScratchFolder, knownHosts: String) {
        let (secrets, root) = (secrets, scratchRoot)
        do {
            let made = try await pool.run { () throws -> (ScratchFolder, String)? in
                guard Inventory.isPlain(node.hostname), Inventory.isPlain(node.sshUser),
                    let key = try secrets.read(.nodeKey(node.id))
                else { return nil }
                let folder = try ScratchFolder(below: root)
                do {
                    try folder.write(folder.key, key)
                    return (folder, try secrets.knownHosts(node: node.id))
                } catch {
                    folder.remove()
                    throw error
                }
            }
            if let made { return made }
            logger.error("a node has no key in the secret store", .text("node", node.id.description))
        } catch is BlockingPool.QueueFull {
            throw Refusal.busy
        } catch {
            logger.error("a node's key cannot be had", .text("node", node.id.description), .text("reason", "\(error)"))
        }
        throw Refusal.nodeUnreachable
    }
}

/// Environments whose node is being asked.
private final class OpenQuestions: Sendable {
    private let environments = Locked<Set<UUID>>([])

    /// False where one is open already.
    func begin(_ environment: UUID) -> Bool { environments.withLock { $0.insert(environment).inserted } }

    func end(_ environment: UUID) { environments.withLock { _ = $0.remove(environment) } }
}
