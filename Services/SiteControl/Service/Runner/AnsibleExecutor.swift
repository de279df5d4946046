import Crypto
import Encoding
import EventLoop
import Glibc
import Postgres
import ServiceKit
import SiteControlDomain

/// Runs the playbook of a job against its node.
///
/// A run has a private scratch folder that holds all it is given and all it writes, and leaves neither folder nor process
/// behind, however it ends. Secrets travel in files of that folder only. What it says is masked before anyone gets it.
struct AnsibleExecutor: JobExecutor {
    let database: Database
    let secrets: SecretStore
    let settings: RunnerSettings
    let pool: BlockingPool
    let logger: Logger

    /// Why a run did not come to an end of its own.
    private enum Interruption { case stopped, timedOut }

    func run(_ attempt: Attempt, progress: any AttemptProgress) async -> AttemptReport {
        guard let loop = Loop.current else { preconditionFailure("attempts run on a loop") }
        let preparation: Preparation
        do {
            preparation = try await prepare(attempt)
        } catch {
            if Task.isCancelled { return AttemptReport(outcome: .stopped, outputTail: "") }
            return AttemptReport(outcome: failure(error, attempt), outputTail: "")
        }
        let listener = RunListener(mask: preparation.mask, progress: progress)
        let (exit, interruption) = await play(attempt, preparation, listener, on: loop)
        let outcome = await outcome(of: attempt, exit, interruption, preparation, listener, on: loop)
        // What was begun is put in order whatever becomes of the caller.
        let remains = RemoteStop(ssh: settings.ssh, logger: logger)
        await withoutCancellation(on: loop) { [pool] in
            if interruption != nil, let address = preparation.address {
                await remains.stop(attempt.jobID, on: address, scratch: preparation.scratch)
            }
            do { try await pool.run { preparation.scratch.remove() } } catch { preparation.scratch.remove() }
        }
        return AttemptReport(outcome: outcome, outputTail: listener.tail)
    }

    /// TERM, then KILL after the grace.
    static func teardown(grace: Duration = RunnerLimits.stopGrace) -> [TeardownStep] {
        [.signal(SIGTERM, grace: grace), .signal(SIGKILL, grace: RunnerLimits.killGrace)]
    }

    // MARK: The child

    private func play(
        _ attempt: Attempt, _ preparation: Preparation, _ listener: RunListener, on loop: Loop
    ) async -> (exit: Result<ChildExit, any Error>, Interruption?) {
        let command = settings.ansible.run(attempt.type, in: preparation.scratch, knownHosts: preparation.address?.knownHosts)
        let teardown = Self.teardown(grace: settings.stopGrace)
        do {
            let pipe = try EventPipe(preparation.scratch.events, on: loop)
            defer { pipe.close() }
            // The reader of events must outlive the child's last line, whatever happens to this task.
            let reading = Task(executorPreference: loop) { await pipe.pump { await listener.take($0) } }
            let result: Result<ChildExit, any Error>
            do {
                let ended = try await withTimeout(attempt.timeout) {
                    try await ChildProcess.run(command, outputBytesMax: RunnerLimits.outputBytesMax, teardown: teardown) {
                        await listener.take($0, $1)
                    }
                }
                result = .success(ended.exit)
            } catch {
                result = .failure(error)
            }
            pipe.finish()
            await reading.value
            await pipe.drain { await listener.take($0) }
            await listener.finish()
            switch result {
            case .failure(is TimeoutError): return (result, Task.isCancelled ? .stopped : .timedOut)
            case .failure: return (result, Task.isCancelled ? .stopped : nil)
            case .success: return (result, nil)
            }
        } catch {
            return (.failure(error), Task.isCancelled ? .stopped : nil)
        }
    }

    private func outcome(
        of attempt: Attempt, _ exit: Result<ChildExit, any Error>, _ interruption: Interruption?,
        _ preparation: Preparation, _ listener: RunListener, on loop: Loop
    ) async -> AttemptOutcome {
        switch interruption {
        case .stopped: return .stopped
        case .timedOut:
            let seconds = attempt.timeout.components.seconds
            return .failed(.ansibleTimeout, message: listener.message("The playbook did not end within \(seconds) s."))
        case nil: break
        }
        switch exit {
        case .failure(let error):
            logger.error("ansible-playbook could not be run", .text("reason", "\(error)"))
            return .failed(.ansiblePlayError, message: "ansible-playbook could not be started.")
        case .success(let exit):
            switch ExitReading(exit, listener.ledger) {
            case .failed(let code, let reason): return .failed(code, message: listener.message(reason))
            case .finished: return await result(of: attempt, preparation, listener, on: loop)
            }
        }
    }

    private func result(
        of attempt: Attempt, _ preparation: Preparation, _ listener: RunListener, on loop: Loop
    ) async -> AttemptOutcome {
        let path = preparation.scratch.result
        let bytes = await withoutCancellation(on: loop) { [pool] in
            try? await pool.run { try PrivateFile.read(path, bytesMax: RunnerLimits.resultBytesMax) }
        }
        guard let bytes = bytes ?? nil else {
            return .failed(.playbookResultInvalid, message: listener.message("The playbook left no result that can be read."))
        }
        do {
            return .succeeded(
                try ResultReader.read(bytes, of: attempt.type, expectsSnapshot: preparation.expectsSnapshot))
        } catch {
            return .failed(
                .playbookResultInvalid, message: listener.message("The result of the playbook is not valid: \(error)."))
        }
    }

    // MARK: Preparation

    /// All that a run is given.
    struct Preparation: Sendable {
        let scratch: ScratchFolder
        let mask: SecretMask
        /// nil for a local node without a key, which is not reached over ssh.
        let address: NodeAddress?
        let expectsSnapshot: Bool
    }

    private func prepare(_ attempt: Attempt) async throws -> Preparation {
        let facts = try await RunFacts.read(for: attempt, from: database)
        let secrets = secrets
        let settings = settings
        return try await pool.run {
            let key = try secrets.read(.nodeKey(facts.node.id))
            if key == nil, !facts.node.isLocal { throw RunFacts.Missing("The node has no key in the secret store.") }
            let runSecrets = try RunVariables.Secrets(for: attempt, from: secrets)
            let scratch = try ScratchFolder(below: settings.scratchRoot)
            do {
                let variables = RunVariables(
                    attempt, facts, runSecrets, settings.installation, resultPath: scratch.result)
                let inventory = try Inventory(
                    host: facts.node.hostname, port: Int(facts.node.sshPort), user: facts.node.sshUser,
                    keyFile: key == nil ? nil : scratch.key)
                try scratch.write(scratch.inventory, Array(inventory.text.utf8))
                try scratch.write(scratch.variables, variables.bytes)
                var masked = variables.secrets
                var address: NodeAddress?
                if let key {
                    try scratch.write(scratch.key, key)
                    masked.append(String(decoding: key, as: UTF8.self))
                    address = NodeAddress(node: facts.node, knownHosts: try secrets.knownHosts(node: facts.node.id))
                }
                return Preparation(
                    scratch: scratch, mask: SecretMask(masked), address: address, expectsSnapshot: facts.snapshot != nil)
            } catch {
                scratch.remove()
                throw error
            }
        }
    }

    /// Of a run that could not begin. The log has the cause; the job has what its readers can do something with.
    private func failure(_ error: any Error, _ attempt: Attempt) -> AttemptOutcome {
        if let missing = error as? RunFacts.Missing { return .failed(missing.code, message: missing.description) }
        logger.error(
            "an attempt could not begin", .text("job", attempt.jobID.description), .text("type", attempt.type.rawValue),
            .text("reason", "\(error)"))
        switch error {
        case is DatabaseError: return .failed(.ansiblePlayError, message: "The database could not be read before the run.")
        case let refused as Inventory.Refused: return .failed(.preconditionChanged, message: "\(refused.description).")
        case SecretError.system, is PrivateFile.Failure, is BlockingPool.QueueFull:
            return .failed(.ansiblePlayError, message: "The run could not be prepared on this machine.")
        case is SecretError, is CryptoError:
            return .failed(.ansibleUnexpectedError, message: "A secret of the run could not be opened.")
        default: return .failed(.ansiblePlayError, message: "The run could not be prepared.")
        }
    }
}

extension RunVariables.Secrets {
    /// Those that the job gets; passwords of an environment are made when they are first needed. Blocks.
    init(for attempt: Attempt, from store: SecretStore) throws {
        let names = Set(RunVariable.of(attempt.type).filter(\.isSecret).map(\.name))
        func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
        let password = { Array(Base64.encode(SecureRandom.bytes(24), .url).utf8) }
        if let id = attempt.environmentID {
            databasePassword = text(try store.createIfAbsent(.databasePassword(environment: id), make: password))
            redisPassword = text(try store.createIfAbsent(.redisPassword(environment: id), make: password))
        }
        if names.contains("git_ssh_key") { gitKey = text(try store.read(.gitKey)) }
        if names.contains("dns01_credentials") { dnsCredentials = text(try store.read(.dnsCredentials)) }
    }
}
