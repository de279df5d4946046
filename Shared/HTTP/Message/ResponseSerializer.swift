/// Writes the head of a response, and a body that is at hand, into an output buffer (RFC 9112 §4 and §6).
///
/// One per loop: it caches the `Date` field for the second.
package final class ResponseSerializer {
    /// What the request decides about the form of its response.
    package struct Context: Sendable {
        /// The request was HEAD: no body follows.
        package var isHead: Bool
        package var version: HTTPVersion
        /// Whether the connection stays open after this response.
        package var keepsAlive: Bool

        package init(isHead: Bool, version: HTTPVersion, keepsAlive: Bool) {
            self.isHead = isHead
            self.version = version
            self.keepsAlive = keepsAlive
        }
    }

    /// What is left to do once the head is written.
    package struct Outcome: Sendable, Equatable {
        /// False where the connection must end after this response.
        package var keepsAlive: Bool
        /// Whether the stream closure of the response is to be run now.
        package var needsStream: Bool
        /// For the `ResponseWriter`.
        package var isChunked: Bool
    }

    package init() {}

    /// - Parameter seconds: since 1970 UTC, for `Date`.
    package func write(
        _ response: Response, for context: Context, at seconds: Int, into output: OutputBuffer
    ) -> Outcome {
        Outcome(keepsAlive: context.keepsAlive, needsStream: false, isChunked: false)
    }
}
