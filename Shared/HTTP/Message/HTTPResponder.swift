/// Answers requests. One responder serves every connection of every loop.
public protocol HTTPResponder: Sendable {
    /// Called when a head is complete, before any byte of the body is read. `request` is the connection's own object,
    /// valid until this returns. When the client leaves, the task is cancelled.
    func respond(to request: Request) async -> Response

    /// Answers bytes that never became a request. The connection closes after it.
    func respond(toFault fault: HTTPFault) async -> Response
}
