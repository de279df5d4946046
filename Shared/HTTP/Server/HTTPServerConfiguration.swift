public import Crypto
public import EventLoop

/// Where and how a server listens.
public struct HTTPServerConfiguration: Sendable {
    public enum Listener: Sendable, Hashable {
        /// Bound at the start: a socket per loop for TCP (SO_REUSEPORT), one shared socket for a unix path.
        case address(SocketAddress)
        /// Already listening descriptors (socket activation), shared by all loops. The server owns them once started.
        case descriptors([Int32])
    }

    /// PEM files; read at the start and at each ``HTTPServer/reloadTLS()``.
    public struct TLSFiles: Sendable, Hashable {
        /// The leaf first, then its chain.
        public var certificateChain: String
        /// Unencrypted.
        public var privateKey: String

        public init(certificateChain: String, privateKey: String) {
            self.certificateChain = certificateChain
            self.privateKey = privateKey
        }
    }

    public var listener: Listener
    /// nil serves plain text.
    public var tls: TLSFiles?
    public var limits: HTTPLimits
    /// Connections the kernel may queue for each listening socket.
    public var backlog: Int32 = 4096

    public init(listener: Listener, tls: TLSFiles? = nil, limits: HTTPLimits = HTTPLimits()) {
        self.listener = listener
        self.tls = tls
        self.limits = limits
    }
}

/// Why a server did not start or did not take new certificates. For the operator: may name paths.
public enum HTTPServerError: Error, Sendable, CustomStringConvertible {
    case cannotListen(SocketAddress?, SystemError)
    case tls(TLSConfigurationError)
    /// The limits contradict each other, see ``HTTPLimits/violation()``.
    case badLimits(String)
    /// No descriptor was handed over.
    case nothingToListenOn
    /// ``HTTPServer/start()`` was called before.
    case alreadyStarted

    public var description: String {
        switch self {
        case .cannotListen(let address?, let error): "cannot listen on \(address): \(error)"
        case .cannotListen(nil, let error): "cannot listen on the descriptors handed over: \(error)"
        case .tls(let error): error.description
        case .badLimits(let violation): "the limits of the listener do not agree: \(violation)"
        case .nothingToListenOn: "no listening socket was handed over"
        case .alreadyStarted: "the server was started before"
        }
    }
}
