import Crypto
import EventLoop
import Glibc
import Locking
import Synchronization

/// What the loops of one server share.
final class ServerShared: Sendable {
    let responder: any HTTPResponder
    let limits: HTTPLimits
    /// The context for new connections; nil serves plain text. Replaced by a reload.
    let tls: Locked<TLSContext?>
    /// Open connections of all loops, touched once per connection.
    let open = Atomic<Int>(0)

    init(responder: any HTTPResponder, limits: HTTPLimits, tls: TLSContext?) {
        self.responder = responder
        self.limits = limits
        self.tls = Locked(tls)
    }
}

/// The part of a server that lives on one loop: its listening sockets, its connections, the memory they borrow.
final class ServerShard: @unchecked Sendable {
    // @unchecked: `loop`, `shared` and `counters` are Sendable constants; all else is touched on `loop`'s thread only.

    let loop: Loop
    let shared: ServerShared
    let counters = ServerCounters()

    /// Heads and responses.
    let pieces = BufferPool(pieceBytes: 16 * 1024, kept: 128)
    /// Bodies, and heads that are larger than usual.
    let windows: BufferPool
    let serializer = ResponseSerializer()
    private var outputs: [OutputBuffer] = []

    private var acceptors: [Acceptor] = []
    private var connections: [Connection] = []
    /// Connections that are being told that the server is full.
    private var refusing = 0
    private(set) var isDraining = false
    private var drainWaiters: [UnsafeContinuation<Void, Never>] = []

    private static let patience = Duration.seconds(1)
    private static let outputsKept = 128
    /// Connections told so at one time; further ones are just closed.
    private static let refusingAtOnce = 256

    init(loop: Loop, shared: ServerShared) {
        self.loop = loop
        self.shared = shared
        windows = BufferPool(
            pieceBytes: max(shared.limits.readBufferBytes, shared.limits.headBytes + 1024), kept: 16)
    }

    /// An empty buffer for responses, to be given back empty.
    func borrowOutput() -> OutputBuffer { outputs.popLast() ?? OutputBuffer(capacity: 4096) }

    func giveBack(_ output: OutputBuffer) {
        if outputs.count < Self.outputsKept { outputs.append(output) }
    }

    // MARK: Connections

    /// Starts accepting from a listening descriptor, which the shard owns from now on.
    func listen(_ fd: Int32) {
        do {
            acceptors.append(try Acceptor(listening: fd, on: loop) { [unowned self] in accepted($0) })
        } catch {
            close(fd)
        }
    }

    private func accepted(_ fd: Int32) {
        let position = shared.open.wrappingAdd(1, ordering: .relaxed).newValue
        let isOver = position > shared.limits.maxConnections
        if isOver { counters.countRefused() }
        if isOver && refusing >= Self.refusingAtOnce || isDraining {
            shared.open.wrappingSubtract(1, ordering: .relaxed)
            close(fd)
            return
        }
        let connection: Connection
        do {
            let socket = try Socket(adopting: fd, on: loop)
            do {
                let stream = try ConnectionStream(socket, tls: shared.tls.withLock { $0 })
                connection = Connection(stream, shard: self, isRefused: isOver)
            } catch {
                socket.close()
                shared.open.wrappingSubtract(1, ordering: .relaxed)
                return
            }
        } catch {
            shared.open.wrappingSubtract(1, ordering: .relaxed)
            close(fd)
            return
        }
        if isOver { refusing += 1 }
        counters.countOpened()
        connection.position = connections.count
        connections.append(connection)
        let handle = ConnectionHandle(connection: connection)
        connection.task = loop.spawn { await handle.connection.run() }
    }

    /// Called by a connection whose descriptor is closed.
    func remove(_ connection: Connection) {
        let position = connection.position
        let last = connections.removeLast()
        if last !== connection {
            connections[position] = last
            last.position = position
        }
        if connection.isRefused { refusing -= 1 }
        counters.countClosed()
        shared.open.wrappingSubtract(1, ordering: .relaxed)
        if connections.isEmpty { wakeDrainWaiters() }
    }

    // MARK: Ending

    func stopAccepting() {
        for acceptor in acceptors { acceptor.close() }
        acceptors = []
    }

    /// Closes idle connections, lets running ones finish for `grace`, then cuts them.
    /// Returns once none is left, or when a handler has ignored its cancellation for `patience`.
    func drain(grace: Duration) async {
        stopAccepting()
        isDraining = true
        for connection in connections { connection.beginDrain() }
        if connections.isEmpty { return }
        let timer = loop.schedule(after: grace) { [self] in
            for connection in connections { connection.abort() }
        }
        let lastTimer = loop.schedule(after: grace + Self.patience) { [self] in wakeDrainWaiters() }
        await withUnsafeContinuation { drainWaiters.append($0) }
        loop.cancel(timer)
        loop.cancel(lastTimer)
    }

    private func wakeDrainWaiters() {
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter.resume() }
    }
}

/// Carries a connection into its own task.
private struct ConnectionHandle: @unchecked Sendable {
    // @unchecked: the task runs on the loop that the connection is bound to.
    let connection: Connection
}
