import EventLoop
import HTTP

/// What stands between a client and this process, as far as sessions have to know.
struct ClientSide: Sendable {
    /// Scheme, host and port under which people reach the panel: `TRIVET_PUBLIC_URL`.
    let publicOrigin: String
    /// A proxy ends TLS and tells who is behind it.
    let isBehindTLSProxy: Bool

    init(publicURL: String, isBehindTLSProxy: Bool) {
        publicOrigin = Self.normal(publicURL)
        self.isBehindTLSProxy = isBehindTLSProxy
    }

    /// Whether the client came by HTTPS: its cookies then never travel in plain text.
    func isSecure(_ request: Request) -> Bool { request.isTLS || isBehindTLSProxy }

    /// The client's address, for limits. A proxy appends the address it sees to `X-Forwarded-For`; what stands before it
    /// is the client's own invention.
    func address(of request: Request) -> String {
        let peer = Self.name(of: request.peer)
        guard isBehindTLSProxy, let last = request.headers("X-Forwarded-For").last?.split(separator: ",").last else {
            return peer
        }
        let seen = last.utf8.filter { $0 > 0x20 && $0 < 0x7F }.prefix(64)
        return seen.isEmpty ? peer : String(decoding: seen, as: UTF8.self)
    }

    /// Whoever has an IPv6 address has a whole /64 of them.
    private static func name(of peer: SocketAddress?) -> String {
        if case .ipv6(let high, _, _)? = peer { return "\(String(UInt64(bigEndian: high), radix: 16))::/64" }
        return peer?.host ?? "unknown"
    }

    /// Whether a request that changes something may come from a page of another site (Fetch metadata; Origin, RFC 6454 §7).
    /// Browsers say where a request comes from and let no page change that; what is no browser says nothing.
    func isForeign(_ request: Request) -> Bool {
        if let site = request.header("Sec-Fetch-Site"), site != "same-origin", site != "none" { return true }
        guard let origin = request.header("Origin") else { return false }
        let sent = Self.normal(origin)
        if sent == publicOrigin { return false }
        guard let host = request.host else { return true }
        return sent != Self.normal((isSecure(request) ? "https://" : "http://") + host)
    }

    /// Lower case, without the scheme's own port and without a slash at the end.
    private static func normal(_ origin: String) -> String {
        var text = origin.lowercased()
        if text.hasSuffix("/") { text.removeLast() }
        for (scheme, port) in [("https://", ":443"), ("http://", ":80")] where text.hasPrefix(scheme) && text.hasSuffix(port) {
            text.removeLast(port.count)
        }
        return text
    }
}
