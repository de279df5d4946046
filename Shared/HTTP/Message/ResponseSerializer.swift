/// Writes the head of a response, and a body that is at hand, into an output buffer (RFC 9112 §4 and §6).
///
/// One per loop: it caches the `Date` field for the second.
package final class ResponseSerializer {
    /// What the request decides about the form of its response.
    package struct Context: Sendable {
        /// The request was HEAD: no body follows.
        package var isHead: Bool
        /// Of the request. The response's own is always HTTP/1.1 (RFC 9110 §6.2).
        package var version: HTTPVersion
        /// Whether the connection is to stay open after this response.
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

    private var date = HTTPDate()

    package init() {}

    /// - Parameter seconds: since 1970 UTC, for `Date`.
    package func write(
        _ response: Response, for context: Context, at seconds: Int, into output: OutputBuffer
    ) -> Outcome {
        let forbidsBody = response.status.forbidsBody
        let length = response.body.length
        let isUnbounded = length == nil && !forbidsBody
        // Before HTTP/1.1 a body of unknown length ends with the connection.
        let isChunked = isUnbounded && context.version == .http11
        var outcome = Outcome(
            keepsAlive: context.keepsAlive && !response.closesConnection && (!isUnbounded || isChunked || context.isHead),
            needsStream: false, isChunked: isChunked)

        writeStatusLine(response.status, into: output)
        output.append(date.line(at: seconds))
        writeFields(response.fields, into: output)
        if isChunked {
            output.append("Transfer-Encoding: chunked\r\n")
        } else if let length, !forbidsBody {
            output.append("Content-Length: ")
            output.append(decimal: max(length, 0))
            output.append("\r\n")
        }
        if !outcome.keepsAlive {
            output.append("Connection: close\r\n\r\n")
        } else if context.version == .http10 {
            output.append("Connection: keep-alive\r\n\r\n")
        } else {
            output.append("\r\n")
        }
        if forbidsBody || context.isHead { return outcome }
        switch response.body {
        case .empty: break
        case .bytes(let bytes): output.append(bytes)
        case .stream: outcome.needsStream = true
        }
        return outcome
    }

    /// The interim response that lets a client send its body (RFC 9110 §15.2.1).
    package static func writeContinue(into output: OutputBuffer) {
        output.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    // MARK: Helpers

    private func writeStatusLine(_ status: HTTPStatus, into output: OutputBuffer) {
        if status == .ok { return output.append("HTTP/1.1 200 OK\r\n") }
        output.append("HTTP/1.1 ")
        output.append(decimal: status.code)
        output.append(" ")
        output.append(status.phrase)
        output.append("\r\n")
    }

    private func writeFields(_ fields: HTTPFields, into output: OutputBuffer) {
        for field in fields.fields where !Self.isReserved(field.name) {
            output.append(field.name)
            output.append(": ")
            output.append(field.value)
            output.append("\r\n")
        }
    }

    /// Fields that the connection decides.
    private static func isReserved(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4: HTTPFields.same(name, "Date")
        case 10: HTTPFields.same(name, "Connection") || HTTPFields.same(name, "Keep-Alive")
        case 14: HTTPFields.same(name, "Content-Length")
        case 17: HTTPFields.same(name, "Transfer-Encoding")
        default: false
        }
    }
}
