import Encoding
import Outbound

/// What came back for one request.
enum GateAnswer: Sendable {
    case response(status: Int, body: [UInt8])
    /// The head came, the body did not, or not wholly.
    case cutOff(status: Int, OutboundError)
    case failed(OutboundError)

    var status: Int? {
        switch self {
        case .response(let status, _), .cutOff(let status, _): status
        case .failed: nil
        }
    }

    /// The whole answer is more than is read.
    var isTooLarge: Bool {
        switch self {
        case .cutOff(_, .unclear(.bodyTooLarge, _)), .failed(.unclear(.bodyTooLarge, _)): true
        default: false
        }
    }
}

/// What answers mean (reference 7.7). Pure; ``GateEngine`` sends and asks here.
enum GateAnswers {
    /// What a start came to, the execution id in place of the execution.
    enum StartReading: Sendable, Hashable {
        case started(executionID: String)
        case notStarted(StartRefusal)
        case unclear(StartUncertainty)
    }

    static func start(_ answer: GateAnswer) -> StartReading {
        switch answer {
        case .failed(let error):
            switch error {
            case .invalidRequest: .notStarted(.misconfigured)
            case .notSent: .notStarted(.unavailable)
            case .unclear: .unclear(.noAnswer)
            }
        case .response(200...299, let body):
            executionID(inStartAnswer: body).map { .started(executionID: $0) } ?? .unclear(.noExecutionID)
        case .response(let status, _), .cutOff(let status, _):
            switch status {
            // The lost body may have named an execution: something runs.
            case 200...299: .unclear(.noAnswer)
            case 300...399: .notStarted(.misconfigured)
            case 401, 403: .notStarted(.unauthorized)
            case 408: .unclear(.noAnswer)
            case 429: .notStarted(.unavailable)
            case 400...499: .notStarted(.refused(status: status))
            default: .unclear(.serverError(status: status))
            }
        }
    }

    /// The execution that a 2xx answer names: `executionId`, else `id`, else the last path segment of `ref`, `resource` or `url`.
    static func executionID(inStartAnswer body: [UInt8]) -> String? {
        guard let answer = try? JSONReader.parse(body), answer.object != nil else { return nil }
        for name in ["executionId", "id"] {
            if let id = answer[name]?.string, isExecutionID(id) { return id }
        }
        for name in ["ref", "resource", "url"] {
            guard let text = answer[name]?.string else { continue }
            let path = text.prefix { $0 != "?" && $0 != "#" }
            if let last = path.split(separator: "/", omittingEmptySubsequences: false).last, isExecutionID(last) { return String(last) }
        }
        return nil
    }

    /// 1 to 128 of `[A-Za-z0-9_-]`; otherwise opaque.
    static func isExecutionID(_ text: some StringProtocol) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// What a GET that should bring JSON brought.
    enum Document: Sendable {
        case json(JSONValue)
        case missing
        /// Nothing was learned. For the log.
        case nothing(reason: String)
    }

    static func document(_ answer: GateAnswer) -> Document {
        switch answer {
        case .failed(let error): return .nothing(reason: error.description)
        case .response(404, _), .cutOff(404, _): return .missing
        case .cutOff(let status, let error): return .nothing(reason: "status \(status), \(error)")
        case .response(let status, let body) where (200...299).contains(status):
            guard !body.isEmpty else { return .nothing(reason: "status \(status) with an empty body") }
            do throws(JSONError) {
                return .json(try JSONReader.parse(body, limits: limits))
            } catch {
                return .nothing(reason: "status \(status) and not JSON: line \(error.line), column \(error.column)")
            }
        case .response(let status, _): return .nothing(reason: "status \(status)")
        }
    }

    /// Contexts of stages are deep.
    private static let limits = JSONLimits(bytesMax: Int(GateRequests.readAnswerBytesMax), depthMax: 256)

    /// What a search reading comes to: the id of the execution, or why there is none.
    enum FindReading: Sendable, Hashable {
        case found(executionID: String)
        case notFound
        case nothing(reason: String)
    }

    /// The engine is asked for one correlation id, and what it brings is looked at all the same: an engine that did not filter must
    /// not lend us someone else's execution.
    static func find(_ answer: GateAnswer, correlationID: UUID) -> FindReading {
        let list: [JSONValue]
        switch document(answer) {
        case .json(let value):
            guard let array = value.array else { return .nothing(reason: "the search was not answered with a list") }
            list = array
        // An application that the engine does not know runs nothing, but nor can one be sure that this engine is the right one.
        case .missing: return .nothing(reason: "status 404")
        case .nothing(let reason): return .nothing(reason: reason)
        }
        for execution in list where execution["trigger"]?["correlationId"]?.string.flatMap({ UUID($0) }) == correlationID {
            guard let id = execution["id"]?.string, isExecutionID(id) else {
                return .nothing(reason: "the search found an execution without a usable id")
            }
            return .found(executionID: id)
        }
        // Short of a full page, all executions since the boundary were there.
        guard list.count < GateRequests.searchSize else { return .nothing(reason: "the search was not narrowed by the engine") }
        return .notFound
    }
}
