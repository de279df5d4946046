/// Every limit of the listener, in one place. Sizes are in bytes.
public struct HTTPLimits: Sendable, Equatable {
    // MARK: The head of a request

    /// Request line without its CRLF; past it 414.
    public var requestLineBytes = 8 * 1024
    /// All field lines with the empty line that ends them; past it 431.
    public var headerBytes = 32 * 1024
    /// Field lines; past it 431.
    public var headerCount = 100

    // MARK: The body of a request

    /// One chunk-size line with its extensions.
    public var chunkLineBytes = 1024
    /// All chunk extensions of one body.
    public var chunkExtensionBytes = 16 * 1024
    /// Trailer section of a chunked body, discarded.
    public var trailerBytes = 8 * 1024
    /// Trailer field lines.
    public var trailerCount = 32
    /// Most of an unread body that is read and thrown away so that the client sees the answer.
    public var drainBytes = 256 * 1024

    // MARK: Buffers of a connection

    /// Window for body bytes from the socket.
    public var readBufferBytes = 64 * 1024
    /// Queued response bytes past which a writer waits.
    public var writeBufferBytes = 128 * 1024

    // MARK: Counts

    /// Requests read ahead of the response that is being written.
    public var pipelinedRequests = 32
    /// Requests on one connection before it is closed, so that load spreads again.
    public var requestsPerConnection = 1_000_000
    /// Open connections of the process; past it 503.
    public var maxConnections = 10_000

    // MARK: Times

    /// From the first byte of a head to its last.
    public var headerTimeout = Duration.seconds(10)
    /// Between two pieces of a body.
    public var bodyStallTimeout = Duration.seconds(30)
    /// Without progress while the client should be reading a response.
    public var writeStallTimeout = Duration.seconds(30)
    /// Between two requests of a connection.
    public var idleTimeout = Duration.seconds(75)
    /// For reading and discarding after the last response, before the socket is closed.
    public var lingerTimeout = Duration.seconds(2)
    public var tlsHandshakeTimeout = Duration.seconds(10)

    // MARK: multipart/form-data

    public var multipart = MultipartLimits()

    public init() {}

    /// States how the limits relate; called once where a server is configured.
    /// - Returns: the first relation that does not hold, in words; nil where all do.
    public func violation() -> String? {
        if requestLineBytes < 64 { return "requestLineBytes is below 64" }
        if headerBytes < 256 { return "headerBytes is below 256" }
        if headerCount < 8 { return "headerCount is below 8" }
        if headBytes > 1 << 20 { return "requestLineBytes + headerBytes is above 1 MiB" }
        if chunkLineBytes < 32 || chunkLineBytes > chunkExtensionBytes + 32 {
            return "chunkLineBytes is outside 32...chunkExtensionBytes + 32"
        }
        if trailerBytes > headerBytes { return "trailerBytes is above headerBytes" }
        if trailerCount > headerCount { return "trailerCount is above headerCount" }
        if readBufferBytes < 4096 { return "readBufferBytes is below 4096" }
        if writeBufferBytes < 4096 { return "writeBufferBytes is below 4096" }
        if drainBytes < 0 { return "drainBytes is negative" }
        if pipelinedRequests < 1 { return "pipelinedRequests is below 1" }
        if requestsPerConnection < 1 { return "requestsPerConnection is below 1" }
        if maxConnections < 1 { return "maxConnections is below 1" }
        for (name, value) in times where value <= .zero { return "\(name) is not positive" }
        if lingerTimeout > idleTimeout { return "lingerTimeout is above idleTimeout" }
        return multipart.violation()
    }

    /// The most one head may take in memory.
    public var headBytes: Int { requestLineBytes + headerBytes }

    private var times: [(String, Duration)] {
        [
            ("headerTimeout", headerTimeout), ("bodyStallTimeout", bodyStallTimeout),
            ("writeStallTimeout", writeStallTimeout), ("idleTimeout", idleTimeout),
            ("lingerTimeout", lingerTimeout), ("tlsHandshakeTimeout", tlsHandshakeTimeout),
        ]
    }
}

/// Limits of one multipart/form-data body. Sizes are in bytes.
public struct MultipartLimits: Sendable, Equatable {
    public var parts = 64
    /// Head of one part with the empty line that ends it.
    public var partHeaderBytes = 8 * 1024
    /// Field lines of one part.
    public var partHeaderCount = 16
    /// Before the first delimiter, discarded.
    public var preambleBytes = 1024
    /// After the last delimiter, discarded.
    public var epilogueBytes = 1024
    /// Spaces and tabs between a delimiter and its line end.
    public var paddingBytes = 64

    public init() {}

    func violation() -> String? {
        if parts < 1 { return "multipart.parts is below 1" }
        if partHeaderBytes < 128 || partHeaderBytes > 1 << 20 { return "multipart.partHeaderBytes is outside 128...1 MiB" }
        if partHeaderCount < 2 { return "multipart.partHeaderCount is below 2" }
        if preambleBytes < 0 || epilogueBytes < 0 || paddingBytes < 0 { return "a multipart limit is negative" }
        return nil
    }
}
