import Encoding
import EventLoop
import Glibc
import ServiceKit
import TestSupport

@testable import DeploymentControl

/// A double and an engine that speaks to it, with what the tests of it repeat.
struct EngineBench: Sendable {
    let double: GateDouble
    let engine: GateEngine

    static let call = EngineCall(requestID: "req-1", traceparent: nil, user: "ci-1")

    static func start(
        _ arguments: [String] = [], deckURL: String? = "https://deck.example/", token: String? = nil, header: String? = nil,
        startTimeout: Duration = .seconds(20), readTimeout: Duration = .seconds(20), logger: Logger = .silent
    ) async throws -> EngineBench {
        let double = try await GateDouble.start(arguments)
        return EngineBench(
            double: double,
            engine: try engine(
                double.url, deckURL: deckURL, token: token, header: header, startTimeout: startTimeout,
                readTimeout: readTimeout, logger: logger))
    }

    static func engine(
        _ url: String, deckURL: String? = nil, token: String? = nil, header: String? = nil,
        startTimeout: Duration = .seconds(20), readTimeout: Duration = .seconds(20), logger: Logger = .silent
    ) throws -> GateEngine {
        guard let gate = GateAddress(url) else { throw GateDouble.Failure(description: "no address: \(url)") }
        return GateEngine(
            GateConfiguration(
                gate: gate, deckURL: deckURL, token: token, header: header.flatMap { GateHeader($0) },
                startTimeout: startTimeout, readTimeout: readTimeout),
            logger: logger)
    }

    static func order(
        _ id: Int = 1, application: String = "demo", pipeline: String = "deploy-demo-service",
        parameters: [(name: String, value: String)] = [("service", "demo-service"), ("version", "1.0.0")]
    ) -> PipelineOrder {
        PipelineOrder(
            application: application, pipeline: pipeline, correlationID: UUID(high: 7, low: UInt64(id)),
            idempotencyKey: "key-\(id)", parameters: parameters)
    }

    func start(_ id: Int = 1) async throws -> StartOutcome { try await start(Self.order(id)) }

    func start(_ order: PipelineOrder) async throws -> StartOutcome {
        try await engine.startOnLoop(order)
    }

    /// Starts one and returns its id.
    func started(_ id: Int = 1) async throws -> String {
        guard case .started(let execution) = try await start(id) else { throw GateDouble.Failure(description: "not started") }
        return execution.id
    }

    func look(_ id: String) async throws -> LookOutcome {
        let engine = engine
        return try await TestLoops.run { await engine.look(at: id, Self.call) }
    }

    func find(_ id: Int = 1, application: String = "demo", notBefore: Timestamp = .now() - .seconds(60)) async throws -> FindOutcome {
        let engine = engine
        return try await TestLoops.run {
            await engine.find(
                correlationID: Self.order(id).correlationID, application: application, notBefore: notBefore, Self.call)
        }
    }
}

extension GateEngine {
    func startOnLoop(_ order: PipelineOrder, _ call: EngineCall = EngineBench.call) async throws -> StartOutcome {
        try await TestLoops.run { await self.start(order, call) }
    }
}

extension Logger {
    /// Writes nothing.
    static let silent = Logger(level: .error, format: .json, sink: LogSink(descriptor: open("/dev/null", O_WRONLY)), loops: nil)
}

extension StartOutcome {
    var execution: StartedExecution? { if case .started(let execution) = self { execution } else { nil } }
}
