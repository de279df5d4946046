import DeploymentControlDomain
import Encoding
import Outbound
import ServiceKit

/// The requests of reference 7.1 and 7.2 as values. nil where one cannot be expressed: a name or a parameter is too long.
struct GateRequests: Sendable {
    /// An answer to a start names an id, or says in a sentence what is wrong.
    static let startAnswerBytesMax: Int64 = 262_144
    /// Executions hold the contexts of all their stages.
    static let readAnswerBytesMax: Int64 = 8_388_608
    /// A search that brings so many back may have more.
    static let searchSize = 100

    let configuration: GateConfiguration

    func start(_ order: PipelineOrder, _ call: EngineCall) -> OutboundRequest? {
        guard let url = configuration.gate.url(["pipelines", order.application, order.pipeline]) else { return nil }
        return OutboundRequest(
            .post, url, headers: headers(call, hasBody: true), body: .bytes(Self.trigger(order, user: call.user)),
            limits: limits(configuration.startTimeout, answerBytes: Self.startAnswerBytesMax))
    }

    /// - Parameter deadline: in place of the configured time for reading.
    func read(_ executionID: String, _ call: EngineCall, within deadline: Duration? = nil) -> OutboundRequest? {
        guard let url = configuration.gate.url(["pipelines", executionID]) else { return nil }
        return OutboundRequest(
            .get, url, headers: headers(call),
            limits: limits(deadline ?? configuration.readTimeout, answerBytes: Self.readAnswerBytesMax))
    }

    /// The same without the contexts of stages, as a list of one: for an execution that is too large to be read whole.
    func readBriefly(_ executionID: String, _ call: EngineCall, within deadline: Duration) -> OutboundRequest? {
        let url = configuration.gate.url(["executions"], query: [("executionIds", executionID), ("expand", "false")])
        guard let url else { return nil }
        return OutboundRequest(
            .get, url, headers: headers(call), limits: limits(deadline, answerBytes: Self.readAnswerBytesMax))
    }

    func search(correlationID: UUID, application: String, notBefore: Timestamp, _ call: EngineCall) -> OutboundRequest? {
        let wanted = Base64.encode(JSONValue.object(["correlationId": .string(correlationID.description)]).bytes)
        let url = configuration.gate.url(
            ["applications", application, "executions", "search"],
            query: [
                ("triggerTypes", "manual"), ("trigger", wanted), ("triggerTimeStartBoundary", String(notBefore.milliseconds)),
                ("size", String(Self.searchSize)),
            ])
        guard let url else { return nil }
        return OutboundRequest(
            .get, url, headers: headers(call),
            limits: limits(configuration.readTimeout, answerBytes: Self.readAnswerBytesMax))
    }

    /// The body of a start. No secrets: the engine stores it and shows it.
    static func trigger(_ order: PipelineOrder, user: String) -> [UInt8] {
        var parameters = JSONObject()
        for (name, value) in order.parameters { parameters[name] = .string(value) }
        var trigger = JSONObject()
        trigger["type"] = "manual"
        trigger["user"] = .string(user)
        trigger["parameters"] = .object(parameters)
        trigger["correlationId"] = .string(order.correlationID.description)
        trigger["idempotencyKey"] = .string(order.idempotencyKey)
        return JSONValue.object(trigger).bytes
    }

    /// The caller's own token is never among them.
    private func headers(_ call: EngineCall, hasBody: Bool = false) -> [OutboundHeader] {
        var headers = [OutboundHeader("Accept", "application/json")]
        if hasBody { headers.append(OutboundHeader("Content-Type", "application/json")) }
        headers.append(OutboundHeader("X-SPINNAKER-USER", Self.headerSafe(call.user)))
        headers.append(OutboundHeader("X-Request-Id", Self.headerSafe(call.requestID)))
        if let traceparent = call.traceparent { headers.append(OutboundHeader("traceparent", Self.headerSafe(traceparent))) }
        if let token = configuration.token { headers.append(OutboundHeader("Authorization", "Bearer \(token.reveal())")) }
        if let header = configuration.header { headers.append(OutboundHeader(header.name, header.value.reveal())) }
        return headers
    }

    private func limits(_ deadline: Duration, answerBytes: Int64) -> OutboundLimits {
        // Silence is bounded by the deadline.
        OutboundLimits(
            connectTimeout: min(configuration.connectTimeout, deadline), stallTimeout: deadline, deadline: deadline,
            responseBodyBytes: answerBytes)
    }

    private static func headerSafe(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    }
}

extension JSONValue {
    fileprivate static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        var object = JSONObject()
        for (key, value) in members { object[key] = value }
        return .object(object)
    }
}
