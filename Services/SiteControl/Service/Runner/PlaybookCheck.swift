import EventLoop
import Locking
import ServiceKit
import SiteControlDomain

/// Parses every playbook once, when a process that runs jobs starts: a broken file is found before a job meets it, where it
/// would look like a node that is down (both end with code 4). Until it has passed, no job is begun.
final class PlaybookCheck: Sendable {
    enum Verdict: Sendable, Hashable {
        case pending
        case passed
        /// - Parameter reason: one line.
        case failed(reason: String)
    }

    private struct State {
        var verdict = Verdict.pending
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let settings: RunnerSettings
    private let pool: BlockingPool
    private let logger: Logger
    private let state = Locked(State())

    init(_ settings: RunnerSettings, pool: BlockingPool, logger: Logger) {
        self.settings = settings
        self.pool = pool
        self.logger = logger
    }

    var verdict: Verdict { state.withLock { $0.verdict } }

    /// For readiness: nil where jobs can be run.
    var problem: String? {
        switch verdict {
        case .passed: nil
        case .pending: "the playbooks are being checked"
        case .failed(let reason): reason
        }
    }

    /// Waits for the verdict: whether jobs may be begun.
    func hasPassed() async -> Bool {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Bool? in
                switch state.verdict {
                case .pending:
                    state.waiting.append(continuation)
                    return nil
                case .passed: return true
                case .failed: return false
                }
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// Looks once. On a loop.
    func run() async {
        let verdict = await look()
        switch verdict {
        // Told to stop before it was done, which is no verdict about the playbooks.
        case .failed where Task.isCancelled: break
        case .failed(let reason): logger.error("the playbooks cannot be used: no job is run", .text("reason", reason))
        case .passed: logger.info("the playbooks were checked")
        case .pending: break
        }
        let waiting = state.withLock { state in
            state.verdict = verdict
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: verdict == .passed) }
    }

    private func look() async -> Verdict {
        let settings = settings
        let scratch: ScratchFolder
        do {
            scratch = try await pool.run {
                let leftovers = ScratchFolder.removeLeftovers(below: settings.scratchRoot)
                if leftovers > 0 { self.logger.warn("removed what killed workers left", .number("folders", leftovers)) }
                let scratch = try ScratchFolder(below: settings.scratchRoot)
                try scratch.write(scratch.inventory, Array("[target]\nlocalhost ansible_connection=local\n".utf8))
                return scratch
            }
        } catch {
            return .failed(reason: "the scratch directory cannot be used: \(error)")
        }
        let verdict = await check(in: scratch)
        if let loop = Loop.current {
            _ = await withoutCancellation(on: loop) { try? await self.pool.run { scratch.remove() } }
        }
        return verdict
    }

    private func check(in scratch: ScratchFolder) async -> Verdict {
        let tail = Locked(OutputTail(bytesMax: 16_384))
        let command = settings.ansible.checkSyntax(of: JobType.allCases, in: scratch)
        do {
            let result = try await withTimeout(RunnerLimits.syntaxCheckTimeout) {
                try await ChildProcess.run(command, outputBytesMax: 1 << 20, teardown: AnsibleExecutor.teardown()) { _, bytes in
                    tail.withLock { $0.append(line: String(decoding: bytes, as: UTF8.self)) }
                }
            }
            if result.exit.isSuccess { return .passed }
        } catch {
            return .failed(reason: "the syntax check of the playbooks did not run: \(error)")
        }
        let text = tail.withLock { $0.text }
        // What is wrong and where comes first; the lines of the file around it follow.
        let words = text[(text.firstRange(of: "ERROR")?.lowerBound ?? text.startIndex)...].split(whereSeparator: \.isWhitespace)
        return .failed(reason: "a playbook does not parse: \(words.joined(separator: " ").prefix(500))")
    }
}
