import CSystem
import Glibc

/// Accepts connections on one loop from a listening descriptor.
///
/// With `SO_REUSEPORT` each loop has a listening socket of its own and the kernel spreads the connections.
public final class Acceptor: IOHandler {
    public let fd: Int32
    public let loop: Loop
    private let onAccept: (Int32) -> Void
    private var watch: Watch?
    private var isPaused = false
    private var retry: TimerID?

    /// How long accepting rests when the process has no descriptors left (EMFILE, ENFILE).
    private static let restWithoutDescriptors = Duration.milliseconds(100)
    /// Connections taken before other events get their turn.
    private static let acceptsPerTick = 64

    /// Makes a listening socket: close-on-exec, non-blocking, SO_REUSEADDR. A stale unix socket file is replaced; IPv6 sockets do not take IPv4.
    public static func bind(
        _ address: SocketAddress, reusePort: Bool, backlog: Int32 = 4096
    ) throws(SystemError) -> Int32 {
        let fd = socket(
            address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw SystemError.last("socket") }
        do {
            if case .unix(let path) = address {
                try removeStaleSocket(path, address)
            } else {
                try check(csystem_setsockopt_on(fd, SOL_SOCKET, SO_REUSEADDR), "setsockopt")
                if reusePort { try check(csystem_setsockopt_on(fd, SOL_SOCKET, SO_REUSEPORT), "setsockopt") }
                if case .ipv6 = address {
                    try check(csystem_setsockopt_on(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY), "setsockopt")
                }
            }
            try check(address.withSockaddr { Glibc.bind(fd, $0, $1) }, "bind")
            try check(listen(fd, backlog), "listen")
            return fd
        } catch {
            Glibc.close(fd)
            throw error
        }
    }

    private static func check(_ status: Int32, _ call: String) throws(SystemError) {
        if status != 0 { throw SystemError.last(call) }
    }

    /// Removes a socket file that nobody answers on; anything else stays, and bind(2) will say so.
    private static func removeStaleSocket(_ path: String, _ address: SocketAddress) throws(SystemError) {
        var info = stat()
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { throw SystemError.last("socket") }
        defer { Glibc.close(probe) }
        if address.withSockaddr({ connect(probe, $0, $1) }) != 0, csystem_errno() == ECONNREFUSED { unlink(path) }
    }

    /// Starts accepting. Owns the descriptor from now on. Loop only.
    ///
    /// - Parameter onAccept: gets each new descriptor (non-blocking, close-on-exec, TCP_NODELAY) and owns it.
    public init(listening fd: Int32, on loop: Loop, onAccept: @escaping (Int32) -> Void) throws(SystemError) {
        self.fd = fd
        self.loop = loop
        self.onAccept = onAccept
        super.init()
        guard csystem_set_nonblocking(fd) >= 0 else { throw SystemError.last("fcntl") }
        watch = try loop.watch(fd, .read, trigger: .level, handler: self)
    }

    public override func ready(_ events: IOEvents) {
        for _ in 0..<Acceptor.acceptsPerTick {
            if isPaused || watch == nil { return }
            let connection = accept4(fd, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
            if connection < 0 {
                switch csystem_errno() {
                case EINTR, ECONNABORTED: continue
                case EMFILE, ENFILE, ENOBUFS, ENOMEM: return rest()
                default: return
                }
            }
            _ = csystem_setsockopt_on(connection, Int32(IPPROTO_TCP), TCP_NODELAY)
            onAccept(connection)
        }
    }

    private func rest() {
        guard let watch, retry == nil else { return }
        loop.update(watch, [])
        retry = loop.schedule(after: Acceptor.restWithoutDescriptors) { [weak self] in
            guard let self, let watch = self.watch else { return }
            retry = nil
            if !isPaused { loop.update(watch, .read) }
        }
    }

    /// Leaves new connections in the kernel's queue.
    public func pause() {
        guard !isPaused, let watch else { return }
        isPaused = true
        loop.update(watch, [])
    }

    public func resume() {
        guard isPaused, let watch else { return }
        isPaused = false
        loop.update(watch, .read)
    }

    /// Stops listening and closes the descriptor. Idempotent.
    public func close() {
        guard let watch else { return }
        loop.unwatch(watch)
        self.watch = nil
        if let retry { loop.cancel(retry) }
        retry = nil
        Glibc.close(fd)
    }
}
