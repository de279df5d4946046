import ServiceKit

/// Who asks, as far as records, limits and the engine need to know.
struct Caller: Sendable, Hashable {
    let client: String
    let role: String
    let requestID: String
    /// `traceparent` to send on.
    let traceparent: String

    init(_ context: RequestContext) {
        client = context.identity?.client ?? "anonymous"
        role = context.identity?.role ?? ""
        requestID = context.requestIDText
        traceparent = context.trace.traceparent
    }
}
