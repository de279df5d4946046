import Outbound
import ServiceKit

/// How Gate, the engine's front door, is reached.
struct GateConfiguration: Sendable {
    let gate: GateAddress
    /// Base of the links for people; nil where no user interface is configured.
    let deckURL: String?
    let token: Secret<String>?
    let header: GateHeader?
    let connectTimeout: Duration
    let startTimeout: Duration
    let readTimeout: Duration

    /// nil where no Gate is configured.
    init?(_ configuration: Configuration) {
        guard let gate = configuration[ServiceVariables.gateURL] else { return nil }
        self.init(
            gate: gate, deckURL: configuration[ServiceVariables.deckURL],
            token: configuration[ServiceVariables.gateToken], header: configuration[ServiceVariables.gateHeader],
            connectTimeout: configuration[ServiceVariables.gateConnectTimeout],
            startTimeout: configuration[ServiceVariables.gateStartTimeout],
            readTimeout: configuration[ServiceVariables.gateReadTimeout])
    }

    init(
        gate: GateAddress, deckURL: String? = nil, token: String? = nil, header: GateHeader? = nil,
        connectTimeout: Duration = .seconds(2), startTimeout: Duration = .seconds(10), readTimeout: Duration = .seconds(3)
    ) {
        self.gate = gate
        self.deckURL = deckURL.map { String($0.reversed().drop { $0 == "/" }.reversed()) }
        self.token = token.map(Secret.init)
        self.header = header
        self.connectTimeout = connectTimeout
        self.startTimeout = startTimeout
        self.readTimeout = readTimeout
    }

    /// What an operator should know at the start, though the service runs.
    static func warnings(_ configuration: Configuration) -> [String] {
        guard let gate = configuration[ServiceVariables.gateURL] else {
            return ["\(ServiceVariables.gateURL.name) is not set: every deployment is answered 503"]
        }
        var warnings: [String] = []
        if configuration[ServiceVariables.deckURL] == nil {
            warnings.append("\(ServiceVariables.deckURL.name) is not set: links lead to the engine's API")
        }
        let hasSecret = configuration[ServiceVariables.gateToken] != nil || configuration[ServiceVariables.gateHeader] != nil
        if hasSecret, !gate.url.isSecure, !gate.url.isLoopback {
            warnings.append("\(ServiceVariables.gateURL.name) is not https: the engine's credentials travel in clear text")
        }
        return warnings
    }

    /// Where people look at an execution. Kept with the deployment, not made anew when the configuration changes.
    func link(application: String, executionID: String) -> String {
        guard let deckURL else { return gate.text(["pipelines", executionID]) }
        return deckURL + "/#/applications/\(PercentEncoding.segment(application))/executions/details/\(executionID)"
    }
}

/// The base URL of Gate.
struct GateAddress: Sendable {
    let url: OutboundURL
    /// Empty, or a path without a slash at its end.
    private let basePath: String

    static let parser = ValueParser<GateAddress>(
        expected: "an absolute http or https URL without user name, query and fragment"
    ) { GateAddress($0) }

    init?(_ text: String) {
        guard let url = try? OutboundURL(parsing: text), !url.target.contains("?") else { return nil }
        self.url = url
        basePath = String(url.target.reversed().drop { $0 == "/" }.reversed())
    }

    /// - Parameters:
    ///   - segments: unencoded.
    ///   - query: unencoded.
    /// - Returns: nil where the whole is too long.
    func url(_ segments: [String], query: [(String, String)] = []) -> OutboundURL? {
        try? url.withTarget(target(segments, query: query))
    }

    func text(_ segments: [String]) -> String { url.origin + target(segments) }

    private func target(_ segments: [String], query: [(String, String)] = []) -> String {
        let path = basePath + segments.map { "/" + PercentEncoding.segment($0) }.joined()
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0)=\(PercentEncoding.segment($1))" }.joined(separator: "&")
    }
}

/// RFC 3986 §2.1 for path segments and query values: all but unreserved characters.
enum PercentEncoding {
    static func segment(_ text: String) -> String {
        var result: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.append(byte)
            default:
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
