/// What one transfer may take. Every number has its unit in its type or name.
public struct OutboundLimits: Sendable, Hashable {
    /// Name lookup, TCP and TLS handshake together.
    public var connectTimeout: Duration
    /// Longest silence, in either direction, once the request has begun. Time in which the caller itself does not read or supply bytes is not counted.
    public var stallTimeout: Duration
    /// The whole transfer, back-pressure included.
    public var deadline: Duration
    /// All response heads together, informational ones and trailers included.
    public var responseHeadBytes: Int
    /// A response that declares or delivers more is an error.
    public var responseBodyBytes: Int64

    public init(
        connectTimeout: Duration = .seconds(2), stallTimeout: Duration = .seconds(15), deadline: Duration = .seconds(30),
        responseHeadBytes: Int = 32_768, responseBodyBytes: Int64 = 1_048_576
    ) {
        precondition(connectTimeout > .zero && stallTimeout > .zero && deadline > .zero, "a timeout is positive")
        precondition(responseHeadBytes > 0 && responseBodyBytes >= 0, "a limit is positive")
        self.connectTimeout = connectTimeout
        self.stallTimeout = stallTimeout
        self.deadline = deadline
        self.responseHeadBytes = responseHeadBytes
        self.responseBodyBytes = responseBodyBytes
    }
}

/// How a client behaves. TLS certificates and host names are always verified; redirects are never followed; proxies of the environment are ignored.
public struct HTTPClientConfiguration: Sendable, Hashable {
    /// For requests that bring none of their own.
    public var limits: OutboundLimits
    /// PEM file of the authorities to trust in place of the system's.
    public var authorityFile: String?
    public var userAgent: String
    /// Transfers under way at once on one loop; one more fails with `.notSent(.overloaded)`.
    public var transfersPerLoop: Int
    /// Connections kept open for reuse on one loop.
    public var idleConnectionsPerLoop: Int

    public init(
        limits: OutboundLimits = OutboundLimits(), authorityFile: String? = nil, userAgent: String = "trivet",
        transfersPerLoop: Int = 128, idleConnectionsPerLoop: Int = 8
    ) {
        precondition(transfersPerLoop > 0 && idleConnectionsPerLoop >= 0, "a limit is positive")
        self.limits = limits
        self.authorityFile = authorityFile
        self.userAgent = userAgent
        self.transfersPerLoop = transfersPerLoop
        self.idleConnectionsPerLoop = idleConnectionsPerLoop
    }
}
