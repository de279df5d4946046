import DeploymentControlDomain
import Encoding
import EventLoop
import Outbound
import ServiceKit

/// The engine behind Gate (reference 7). On event loops only.
struct GateEngine: Engine {
    /// Executions of child pipelines that one look reads, and how deep it follows them.
    static let childrenMax = 4
    static let childDepthMax = 2

    private let configuration: GateConfiguration
    private let requests: GateRequests
    private let client: HTTPClient
    private let logger: Logger

    init(_ configuration: GateConfiguration, logger: Logger, authorityFile: String? = nil) {
        self.configuration = configuration
        self.logger = logger
        requests = GateRequests(configuration: configuration)
        client = HTTPClient(configuration: HTTPClientConfiguration(authorityFile: authorityFile))
    }

    func start(_ order: PipelineOrder, _ call: EngineCall) async -> StartOutcome {
        guard let loop = Loop.current else { preconditionFailure("the engine is called on an event loop") }
        // Once sent, a start is awaited though its caller has gone: its outcome is worth more than the seconds.
        if Task.isCancelled { return .notStarted(.unavailable) }
        return await Task(executorPreference: loop) { await sendStart(order, call) }.value
    }

    private func sendStart(_ order: PipelineOrder, _ call: EngineCall) async -> StartOutcome {
        let entry = EngineCallLog(logger, "start", call)
        guard let request = requests.start(order, call) else {
            entry.failed("the address of the pipeline is too long")
            return .notStarted(.misconfigured)
        }
        let answer = await send(request)
        let fields: [LogField] = [.text("application", order.application), .text("pipeline", order.pipeline)]
        switch GateAnswers.start(answer) {
        case .started(let id):
            entry.succeeded(answer, fields + [.text("execution_id", id)])
            return .started(execution(id, of: order.application))
        case .notStarted(let reason):
            entry.failed(answer, fields + [.text("outcome", "not started: \(reason)")])
            return .notStarted(reason)
        case .unclear(let reason):
            entry.failed(answer, fields + [.text("outcome", "unclear: \(reason)")])
            return .unclear(reason)
        }
    }

    func look(at executionID: String, _ call: EngineCall) async -> LookOutcome {
        let begun = MonotonicTime.now()
        switch await read(executionID, call, within: configuration.readTimeout) {
        case .missing: return .missing
        case .nothing(let reason): return .noAnswer(reason: EngineText.redacted(reason))
        case .json(let execution):
            guard execution.object != nil else { return .noAnswer(reason: "the answer is no execution") }
            if let id = execution["id"]?.string, id != executionID {
                return .noAnswer(reason: "the answer is another execution")
            }
            var report = ExecutionReader.report(of: execution)
            switch report.status {
            case .running: return .seen(.running)
            case .succeeded: return .seen(.succeeded)
            case .unrecognised(let text): return .seen(.unrecognised(EngineText.redacted(text)))
            case .failed, .canceled:
                var family = ChildReading(
                    left: Self.childrenMax, seen: [executionID], deadline: begun + configuration.readTimeout)
                await addChildren(to: &report, of: execution, depth: 1, &family, call)
                return .seen(.failed(FailureReader.findings(of: report)))
            }
        }
    }

    func find(
        correlationID: UUID, application: String, notBefore: Timestamp, _ call: EngineCall
    ) async -> FindOutcome {
        let entry = EngineCallLog(logger, "find", call)
        let request = requests.search(
            correlationID: correlationID, application: application, notBefore: notBefore, call)
        guard let request else {
            entry.failed("the address of the search is too long")
            return .noAnswer(reason: "the address of the search is too long")
        }
        let answer = await send(request)
        let fields: [LogField] = [.text("application", application), .text("correlation_id", correlationID.description)]
        switch GateAnswers.find(answer, correlationID: correlationID) {
        case .found(let id):
            entry.succeeded(answer, fields + [.text("execution_id", id)])
            return .found(execution(id, of: application))
        case .notFound:
            entry.succeeded(answer, fields + [.text("outcome", "not found")])
            return .notFound
        case .nothing(let reason):
            entry.failed(answer, fields + [.text("outcome", EngineText.redacted(reason))])
            return .noAnswer(reason: EngineText.redacted(reason))
        }
    }

    // MARK: Child pipelines

    /// What one look may still read.
    private struct ChildReading {
        var left: Int
        var seen: Set<String>
        let deadline: MonotonicTime
    }

    /// Reads the executions that failed stages started. One that cannot be read is passed over: its parent's words remain.
    private func addChildren(
        to report: inout ExecutionReport, of execution: JSONValue, depth: Int, _ family: inout ChildReading, _ call: EngineCall
    ) async {
        guard depth <= Self.childDepthMax else { return }
        for (stageID, childID) in ExecutionReader.childIDs(of: execution) {
            let timeLeft = family.deadline - MonotonicTime.now()
            guard family.left > 0, timeLeft > .milliseconds(50), family.seen.insert(childID).inserted else { continue }
            family.left -= 1
            let within = min(timeLeft, configuration.readTimeout)
            guard case .json(let child) = await read(childID, call, within: within), child.object != nil else { continue }
            var childReport = ExecutionReader.report(of: child)
            await addChildren(to: &childReport, of: child, depth: depth + 1, &family, call)
            if let index = report.stages.firstIndex(where: { $0.id == stageID }) {
                report.stages[index].children.append(childReport)
            }
        }
    }

    // MARK: Sending

    private func read(_ executionID: String, _ call: EngineCall, within: Duration) async -> GateAnswers.Document {
        let entry = EngineCallLog(logger, "read", call)
        guard let request = requests.read(executionID, call, within: within) else {
            return .nothing(reason: "the address of the execution is too long")
        }
        let begun = MonotonicTime.now()
        var answer = await send(request)
        var document = GateAnswers.document(answer)
        let timeLeft = within - (MonotonicTime.now() - begun)
        if answer.isTooLarge, timeLeft > .zero, let brief = requests.readBriefly(executionID, call, within: timeLeft) {
            answer = await send(brief)
            document = GateAnswers.document(answer)
            if case .json(let list) = document {
                document = list.array?.first.map { .json($0) } ?? .nothing(reason: "too large to be read, and not listed")
            }
        }
        switch document {
        case .json: entry.succeeded(answer, [.text("execution_id", executionID)])
        case .missing: entry.failed(answer, [.text("execution_id", executionID), .text("outcome", "missing")])
        case .nothing(let reason):
            entry.failed(answer, [.text("execution_id", executionID), .text("outcome", EngineText.redacted(reason))])
        }
        return document
    }

    /// The head decides more than the body, so a body that is lost does not take the head with it.
    private func send(_ request: OutboundRequest) async -> GateAnswer {
        do throws(OutboundError) {
            let stream = try await client.open(request, pieceBytes: 65_536)
            do throws(OutboundError) {
                return .response(status: stream.status, body: try await stream.collect())
            } catch {
                return .cutOff(status: stream.status, error)
            }
        } catch {
            return .failed(error)
        }
    }

    private func execution(_ id: String, of application: String) -> StartedExecution {
        StartedExecution(id: id, url: configuration.link(application: application, executionID: id))
    }
}
