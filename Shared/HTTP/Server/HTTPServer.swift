import Crypto
public import EventLoop
import Glibc
import Locking

/// An HTTP/1.1 listener on every loop of a group. One connection is one task on one loop.
public final class HTTPServer: Sendable {
    public let configuration: HTTPServerConfiguration
    private let loops: LoopGroup
    private let responder: any HTTPResponder

    private struct State {
        var isStarted = false
        var shards: [ServerShard] = []
        var boundAddress: SocketAddress?
        /// The socket file this server made, until it stops accepting: later it may be another server's.
        var socketPath: String?
    }
    private let state = Locked(State())

    /// Nothing is opened before ``start()``.
    public init(configuration: HTTPServerConfiguration, loops: LoopGroup, responder: any HTTPResponder) {
        self.configuration = configuration
        self.loops = loops
        self.responder = responder
    }

    /// Where the server listens, once started: with the port that was chosen for port 0.
    public var boundAddress: SocketAddress? { state.withLock { $0.boundAddress } }

    /// Reads the certificates, opens the listening sockets and hands them to the loops. From any thread; returns when the kernel queues connections.
    public func start() throws(HTTPServerError) {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { throw .alreadyStarted }
        if let violation = configuration.limits.violation() { throw .badLimits(violation) }
        let shared = ServerShared(responder: responder, limits: configuration.limits, tls: try loadTLS())
        let descriptors = try openListeners()
        let shards = loops.loops.map { ServerShard(loop: $0, shared: shared) }
        state.withLock { state in
            state.shards = shards
            if case .address(.unix(let path)) = configuration.listener { state.socketPath = path }
            state.boundAddress = descriptors.first.flatMap { $0.first }.flatMap { SocketAddress.local(of: $0) }
        }
        for (shard, owned) in zip(shards, descriptors) {
            shard.loop.execute { for descriptor in owned { shard.listen(descriptor) } }
        }
    }

    /// Reads the certificate files again, for connections from now on. On failure the old ones stay in force.
    public func reloadTLS() throws(HTTPServerError) {
        guard let shared = state.withLock({ $0.shards.first?.shared }) else { return }
        let context = try loadTLS()
        shared.tls.withLock { $0 = context }
    }

    /// Closes the listening sockets; open connections go on.
    public func stopAccepting() {
        for shard in takeShards() { shard.loop.execute { shard.stopAccepting() } }
    }

    /// Stops accepting and closes idle connections; running requests get `Connection: close` and `grace` to finish, then are cancelled and cut.
    /// Returns when no connection is left. The loops must be running.
    public func drain(grace: Duration) async {
        let shards = takeShards()
        await withTaskGroup(of: Void.self) { group in
            for shard in shards {
                group.addTask { try? await shard.loop.run { await shard.drain(grace: grace) } }
            }
        }
    }

    /// Sums over the loops, at this moment. Cheap; from any thread.
    public var metrics: HTTPServerMetrics {
        var sum = HTTPServerMetrics()
        for shard in state.withLock({ $0.shards }) { shard.counters.add(to: &sum) }
        return sum
    }

    /// Pieces of memory that connections hold at present. For tests.
    package func piecesInUse() async -> Int {
        var sum = 0
        for shard in state.withLock({ $0.shards }) {
            sum += (try? await shard.loop.run { shard.pieces.borrowed + shard.windows.borrowed }) ?? 0
        }
        return sum
    }

    // MARK: Helpers

    private func takeShards() -> [ServerShard] {
        let (shards, path) = state.withLock { state in
            defer { state.socketPath = nil }
            return (state.shards, state.socketPath)
        }
        if let path { unlink(path) }
        return shards
    }

    private func loadTLS() throws(HTTPServerError) -> TLSContext? {
        guard let files = configuration.tls else { return nil }
        do {
            return try TLSContext(certificateChainFile: files.certificateChain, privateKeyFile: files.privateKey)
        } catch {
            throw .tls(error)
        }
    }

    /// Descriptors per loop.
    private func openListeners() throws(HTTPServerError) -> [[Int32]] {
        let count = loops.loops.count
        switch configuration.listener {
        case .descriptors(let descriptors):
            if descriptors.isEmpty { throw .nothingToListenOn }
            return try share(descriptors, among: count)
        case .address(let address):
            if case .unix = address { return try share([try bind(address)], among: count) }
            var opened = [try bind(address)]
            // With port 0 the kernel chooses once, and the others follow.
            let bound = opened.first.flatMap { SocketAddress.local(of: $0) } ?? address
            do {
                while opened.count < count { opened.append(try bind(bound)) }
            } catch {
                for descriptor in opened { close(descriptor) }
                throw error
            }
            return opened.map { [$0] }
        }
    }

    private func bind(_ address: SocketAddress) throws(HTTPServerError) -> Int32 {
        do {
            return try Acceptor.bind(address, reusePort: loops.loops.count > 1, backlog: configuration.backlog)
        } catch {
            throw .cannotListen(address, error)
        }
    }

    /// A duplicate for every loop but the last, which takes the descriptors themselves.
    private func share(_ descriptors: [Int32], among count: Int) throws(HTTPServerError) -> [[Int32]] {
        var shares: [[Int32]] = []
        while shares.count < count - 1 {
            var copies: [Int32] = []
            for descriptor in descriptors {
                let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
                if copy < 0 {
                    let code = errno
                    for opened in copies + shares.joined() { close(opened) }
                    throw .cannotListen(nil, SystemError(errno: code, call: "fcntl"))
                }
                copies.append(copy)
            }
            shares.append(copies)
        }
        return shares + [descriptors]
    }
}
