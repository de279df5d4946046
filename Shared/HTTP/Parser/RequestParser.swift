/// Reads the head of a request (RFC 9112 §2 to §6) out of a buffer that fills bit by bit.
///
/// No byte is looked at twice: the parser remembers where it stopped, and what a request means does not depend on how
/// its bytes were cut. Strict where leniency is exploited: every refusal is an `HTTPFault`, after which the connection
/// closes and the parser is not used again.
package struct RequestParser {
    private let limits: HTTPLimits

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// Whether some bytes of a head were seen: tells a slow header from an idle connection.
    package var isMidHead: Bool { false }

    /// Looks for a head at the start of `bytes`.
    ///
    /// After nil the caller keeps every byte and calls again with the same bytes and more behind them. After a head
    /// the caller drops as many bytes as returned, and the next call begins a new head.
    /// - Returns: bytes the head took up, an empty line before it included; nil while it is incomplete.
    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer, into request: Request
    ) throws(HTTPFault) -> Int? {
        nil
    }
}
