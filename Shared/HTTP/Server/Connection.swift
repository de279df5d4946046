import EventLoop
import Glibc

/// One connection from accept to close: plain async code on one loop. Requests are answered strictly in their order.
final class Connection {
    let stream: ConnectionStream
    let shard: ServerShard
    /// Accepted over the limit, only to be told so.
    let isRefused: Bool
    /// Index in the shard's list.
    var position = 0
    /// The task that runs ``run()``.
    var task: Task<Void, Never>?

    /// What the connection is doing, for those who want to end it.
    enum Phase { case idle, receiving, responding, closing }
    var phase = Phase.receiving

    var input = InputBuffer()
    private var parser: RequestParser
    private var request: Request?
    private var requestsTaken = 0
    private var unflushedResponses = 0
    private var isHeadTimed = false
    /// Reads and flushes without a wait between them: a fast client must let others have a turn.
    private var transfersInARow = 0
    private var wantsReset = false

    // The body of the present request.
    var decoder: BodyDecoder
    /// Of a declared length, bytes not yet received; nil where the body is chunked.
    var bodyRemaining: Int? = 0
    var bodyFailure: BodyError?
    /// The client waits for a 100 before it sends the body.
    var owesContinue = false

    // The way out.
    var output: OutputBuffer?
    var isFlushScheduled = false
    /// The connection's own task is inside a write.
    var isWriting = false
    /// A flush that goes on while a handler runs, because the kernel was full at the end of a tick.
    var backgroundFlush: Task<Void, Never>?
    var writeFailure: SocketError?

    init(_ stream: ConnectionStream, shard: ServerShard, isRefused: Bool) {
        self.stream = stream
        self.shard = shard
        self.isRefused = isRefused
        parser = RequestParser(limits: shard.shared.limits)
        decoder = BodyDecoder(.none, limits: shard.shared.limits)
    }

    var limits: HTTPLimits {
        _read { yield shard.shared.limits }
    }

    // MARK: The conversation

    /// Serves requests until the connection ends, and releases everything.
    func run() async {
        stream.socket.onPeerClosed = { [unowned self] in peerClosed() }
        do throws(SocketError) {
            try await converse()
        } catch .timedOut {
            wantsReset = !(output?.isEmpty ?? true)
        } catch {}
        phase = .closing
        if let backgroundFlush {
            stream.socket.abort()
            await backgroundFlush.value
        }
        request?.body.detach()
        input.giveBack()
        releaseOutput()
        stream.close(withReset: wantsReset)
        task = nil
        shard.remove(self)
    }

    private func converse() async throws(SocketError) {
        if stream.isTLS {
            stream.socket.deadline = shard.loop.now + limits.tlsHandshakeTimeout
            let isSecure: Bool
            do throws(SocketError) {
                isSecure = try await stream.handshake()
            } catch {
                shard.counters.countFailedHandshake()
                throw error
            }
            if !isSecure { return shard.counters.countFailedHandshake() }
        }
        if isRefused {
            return try await answer(HTTPFault(.overCapacity, "too many connections are open"))
        }
        let request = Request()
        request.peer = stream.socket.peer
        request.isTLS = stream.isTLS
        self.request = request
        while true {
            let taken: Int?
            do throws(HTTPFault) {
                taken = input.isEmpty ? nil : try parser.parse(input.unread, into: request)
            } catch {
                return try await answer(error)
            }
            if let taken {
                input.take(taken)
                guard try await serve(request) else { return }
            } else {
                if output != nil { try await flushOutput() }
                unflushedResponses = 0
                guard try await receiveHead() else { return }
            }
        }
    }

    /// Waits for more bytes of a head. False when the connection is over.
    private func receiveHead() async throws(SocketError) -> Bool {
        while true {
            let room = input.room(shard.pieces, shard.windows, wantsWindow: false)
            if room.isEmpty {
                try await answer(HTTPFault(.headerTooLarge, "the head is too large"))
                return false
            }
            switch stream.tryRead(into: room) {
            case .bytes(let count):
                input.added(count)
                shard.counters.countReceived(count)
                await giveOthersATurn()
                return true
            case .wouldBlock:
                waited()
                if input.isEmpty {
                    if shard.isDraining { return false }
                    input.giveBack()
                    phase = .idle
                    stream.socket.deadline = coarseDeadline(limits.idleTimeout)
                } else if !isHeadTimed {
                    isHeadTimed = true
                    phase = .receiving
                    stream.socket.deadline = shard.loop.now + limits.headerTimeout
                }
                do throws(SocketError) {
                    try await stream.waitReadable()
                } catch .timedOut {
                    if input.isEmpty { return false }
                    try await answer(HTTPFault(.requestTimeout, "the head did not arrive in time"))
                    return false
                }
            case .endOfStream, .failed:
                return false
            }
        }
    }

    /// Answers one request whose head was just taken. False when the connection is over.
    private func serve(_ request: Request) async throws(SocketError) -> Bool {
        phase = .responding
        isHeadTimed = false
        requestsTaken &+= 1
        shard.counters.countRequest()
        request.receivedAt = shard.loop.now
        let framing = request.head.framing
        bodyFailure = nil
        bodyRemaining = framing.declaredLength
        decoder = BodyDecoder(framing, limits: limits)
        if framing == .none {
            owesContinue = false
            request.body.attach(nil, declaredLength: 0)
        } else {
            owesContinue = request.head.expectsContinue && request.version == .http11
            request.body.attach(self, declaredLength: framing.declaredLength)
        }
        scheduleFlush()  // responses before this one do not wait for it

        let response = await shard.shared.responder.respond(to: request)

        let canDrain = framing == .none || canReachBodyEnd()
        let keepsAlive =
            request.keepsAlive && !response.closesConnection && canDrain && !shard.isDraining && !Task.isCancelled
            && requestsTaken < limits.requestsPerConnection
        let outcome = write(
            response,
            for: .init(isHead: request.method == .head, version: request.version, keepsAlive: keepsAlive))
        if outcome.needsStream, case .stream(let length, let produce) = response.body {
            guard await stream(produce, length: length, isChunked: outcome.isChunked) else { return false }
        }
        request.body.detach()
        if !outcome.keepsAlive {
            let mayReceiveMore = !decoder.isFinished || !input.isEmpty
            try await flushOutput()
            if mayReceiveMore { await linger() }
            return false
        }
        unflushedResponses &+= 1
        if unflushedResponses >= limits.pipelinedRequests || (output?.count ?? 0) >= Self.flushBytes {
            try await flushOutput()
            unflushedResponses = 0
        }
        if !decoder.isFinished {
            try await flushOutput()
            guard await drainBody() else { return false }
        }
        return true
    }

    /// Pending response bytes past which pipelined responses are written without waiting for more.
    private static let flushBytes = 16 * 1024

    func stream(
        _ produce: @Sendable (ResponseWriter) async throws -> Void, length: Int?, isChunked: Bool
    ) async -> Bool {
        let writer = ResponseWriter(sink: self, declaredLength: length, isChunked: isChunked)
        do {
            try await produce(writer)
            try writer.finish()
            return true
        } catch {
            // Cut, so that the client cannot take the part for the whole.
            output?.clear()
            wantsReset = true
            return false
        }
    }

    // MARK: Helpers

    /// Lets the loop look at its other descriptors when bytes come, or go, as fast as they are dealt with.
    func giveOthersATurn() async {
        transfersInARow &+= 1
        if transfersInARow < Self.transfersBeforeClock { return }
        if MonotonicTime.now() < shard.loop.now + Self.turn { return }
        transfersInARow = 0
        try? await shard.loop.sleep(for: .zero)
    }

    /// A wait for the client ends a run of transfers.
    func waited() { transfersInARow = 0 }

    /// How long one connection may keep the loop to itself by transferring, and how many transfers are not worth a look at the clock.
    private static let turn = Duration.milliseconds(1)
    private static let transfersBeforeClock = 3

    /// `timeout` from now or a little later: the same value for all requests of a while, so that the timer seldom moves.
    func coarseDeadline(_ timeout: Duration) -> MonotonicTime {
        let exact = (shard.loop.now + timeout).nanoseconds
        let grain = UInt64(clamping: max(1, min(timeout.wholeNanoseconds / 8, 1_000_000_000)))
        return MonotonicTime(nanoseconds: (exact / grain &+ 1) &* grain)
    }
}
