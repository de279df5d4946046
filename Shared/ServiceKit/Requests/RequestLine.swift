import Encoding
import EventLoop
import HTTP

/// The log line of one request. It names the route's template, never the path that the client chose.
struct RequestLine: Sendable {
    let status: Int
    let startedAt: MonotonicTime
    private let level: LogLevel
    private let requestID: String
    private let trace: TraceContext
    private let client: String?
    private let method: String?
    private let route: String?
    private let cause: String?
    private let notes: [LogField]

    init(_ status: Int, _ failure: RequestFailure?, _ context: RequestContext, isQuiet: Bool) {
        self.status = status
        startedAt = context.startedAt
        level = status >= 500 ? .error : isQuiet ? .debug : .info
        requestID = context.requestIDText
        trace = context.trace
        client = context.identity?.client
        method = context.method?.token
        route = context.route?.pattern
        cause = failure.flatMap { Self.cause(of: $0, status) }
        notes = context.notes
    }

    private init(_ line: RequestLine, cause: String) {
        status = line.status
        startedAt = line.startedAt
        level = max(line.level, .warn)
        requestID = line.requestID
        trace = line.trace
        client = line.client
        method = line.method
        route = line.route
        self.cause = cause
        notes = line.notes
    }

    /// The line of a response whose body broke off.
    func broken(by error: any Error) -> RequestLine { RequestLine(self, cause: "body broke off: \(FailureText.of(error))") }

    func write(to logger: Logger, duration: Duration, bytes: Int) {
        guard logger.isEnabled(level) else { return }
        logger.write { encoder, line in
            encoder.begin(level, "request", to: &line)
            encoder.text("request_id", requestID, to: &line)
            encoder.plain("trace_id", to: &line) { trace.appendTraceID(to: &$0) }
            if let client { encoder.text("client", client, to: &line) }
            if let method { encoder.text("method", method, to: &line) }
            encoder.text("route", route ?? "none", to: &line)
            encoder.number("status", status, to: &line)
            encoder.milliseconds("duration_ms", duration, to: &line)
            encoder.number("bytes", bytes, to: &line)
            if let cause { encoder.text("cause", cause, to: &line) }
            for note in notes { encoder.field(note, to: &line) }
            encoder.end(to: &line)
        }
    }

    /// What the log tells beyond the status. A handler's error is a cause only where the answer hides it (5xx).
    private static func cause(of failure: RequestFailure, _ status: Int) -> String? {
        switch failure {
        case .fault(let fault): "\(fault.reason.rawValue): \(fault.detail)"
        case .unauthenticated(let refusal): refusal.rawValue
        case .authenticationUnavailable(let cause): cause
        case .forbidden(let permission): "lacks \(permission)"
        case .badPath(let reason): "\(reason)"
        case .handler(let error): status >= 500 || error is CancellationError ? FailureText.of(error) : nil
        case .notFound, .methodNotAllowed: nil
        }
    }
}
