import DeploymentControlDomain
import Encoding
import EventLoop
import Outbound
import ServiceKit

/// One log line for each call of the engine: what, for whom, how long, with what outcome. Engine texts are redacted.
struct EngineCallLog {
    private let logger: Logger
    private let operation: String
    private let call: EngineCall
    private let begun = MonotonicTime.now()

    init(_ logger: Logger, _ operation: String, _ call: EngineCall) {
        self.logger = logger
        self.operation = operation
        self.call = call
    }

    /// Reads that learn nothing new come every few seconds: `debug`.
    func succeeded(_ answer: GateAnswer, _ fields: [LogField]) {
        write(operation == "read" ? .debug : .info, "spinnaker_call_succeeded", status(of: answer) + fields)
    }

    func failed(_ answer: GateAnswer, _ fields: [LogField]) {
        write(.warn, "spinnaker_call_failed", status(of: answer) + fields)
    }

    func failed(_ reason: String) { write(.warn, "spinnaker_call_failed", [.text("outcome", reason)]) }

    private func write(_ level: LogLevel, _ event: String, _ fields: [LogField]) {
        guard logger.isEnabled(level) else { return }
        logger.log(
            level, event,
            [
                .text("operation", operation), .text("request_id", call.requestID), .text("client", call.user),
                .milliseconds("duration_ms", MonotonicTime.now() - begun),
            ] + fields)
    }

    private func status(of answer: GateAnswer) -> [LogField] {
        switch answer {
        case .failed(let error): return [.text("error", EngineText.redacted(error.description))]
        case .cutOff(let status, let error):
            return [.number("status", status), .text("error", EngineText.redacted(error.description))]
        case .response(let status, let body):
            var fields: [LogField] = [.number("status", status)]
            if !(200...299).contains(status), let text = message(of: body) {
                fields.append(.text("engine_message", EngineText.redacted(text)))
            }
            return fields
        }
    }

    /// What the engine says is wrong. Pages of HTML say nothing.
    private func message(of body: [UInt8]) -> String? {
        guard body.count <= 65_536, let value = try? JSONReader.parse(body) else { return nil }
        return value["message"]?.string ?? value["error"]?.string
    }
}
