import Crypto
import EventLoop

/// The bytes of one connection, in plain text or through TLS. Loop-bound; one reader and one writer at a time.
final class ConnectionStream {
    let socket: Socket
    private let session: TLSSession?
    private var hasSaidGoodbye = false
    /// TLS may have to write in order to read, and the other way round.
    private var readNeedsWrite = false
    private var writeNeedsRead = false

    /// Owns the socket: ``close()`` ends it.
    init(_ socket: Socket, tls context: TLSContext?) throws(TLSConfigurationError) {
        self.socket = socket
        session = if let context { try TLSSession(context: context, transport: SocketTransport(socket)) } else { nil }
    }

    var isTLS: Bool { session != nil }

    /// Runs the TLS handshake, if there is one, under the socket's deadline. False when it failed.
    func handshake() async throws(SocketError) -> Bool {
        guard let session else { return true }
        while true {
            switch session.handshake() {
            case .bytes: return true
            case .wantRead: try await socket.waitReadable()
            case .wantWrite: try await socket.waitWritable()
            case .closed, .failed: return false
            }
        }
    }

    /// What is there now. After `.bytes` there may be more: only `.wouldBlock` makes ``waitReadable()`` meaningful.
    func tryRead(into buffer: UnsafeMutableRawBufferPointer) -> SocketAttempt {
        guard let session else { return socket.tryRead(into: buffer) }
        switch session.read(into: buffer) {
        case .bytes(let count): return .bytes(count)
        case .wantRead: return .wouldBlock
        case .wantWrite:
            readNeedsWrite = true
            return .wouldBlock
        case .closed, .failed: return .endOfStream
        }
    }

    /// A part of `bytes`, or `.wouldBlock`: then the next call must begin with the same bytes. `.endOfStream`: the session is gone.
    func tryWrite(_ bytes: UnsafeRawBufferPointer) -> SocketAttempt {
        guard let session else { return socket.tryWrite(bytes) }
        switch session.write(bytes) {
        case .bytes(let count): return .bytes(count)
        case .wantWrite: return .wouldBlock
        case .wantRead:
            writeNeedsRead = true
            return .wouldBlock
        case .closed, .failed: return .endOfStream
        }
    }

    func waitReadable() async throws(SocketError) {
        if readNeedsWrite {
            readNeedsWrite = false
            try await socket.waitWritable()
        } else {
            try await socket.waitReadable()
        }
    }

    func waitWritable() async throws(SocketError) {
        if writeNeedsRead {
            writeNeedsRead = false
            try await socket.waitReadable()
        } else {
            try await socket.waitWritable()
        }
    }

    /// Tells the peer that nothing more will come; reading goes on.
    func finishWriting() {
        sayGoodbye()
        socket.shutdownWrite()
    }

    /// - Parameter withReset: makes the peer see a broken connection, whatever is still in the kernel's buffers.
    func close(withReset: Bool) {
        if withReset {
            socket.closeWithReset()
        } else {
            sayGoodbye()
            socket.close()
        }
    }

    private func sayGoodbye() {
        if hasSaidGoodbye { return }
        hasSaidGoodbye = true
        session?.shutdown()
    }
}

/// Ciphertext over a loop's socket, which keeps its readiness flags.
private final class SocketTransport: TLSTransport {
    private let socket: Socket

    init(_ socket: Socket) { self.socket = socket }

    override func receive(into buffer: UnsafeMutableRawBufferPointer) -> TLSTransfer {
        switch socket.tryRead(into: buffer) {
        case .bytes(let count): .bytes(count)
        case .wouldBlock: .wouldBlock
        case .endOfStream, .failed: .closed
        }
    }

    override func send(_ bytes: UnsafeRawBufferPointer) -> TLSTransfer {
        switch socket.tryWrite(bytes) {
        case .bytes(let count): .bytes(count)
        case .wouldBlock: .wouldBlock
        case .endOfStream, .failed: .closed
        }
    }
}
