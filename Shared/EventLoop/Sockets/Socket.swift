import CSystem
import Glibc

/// Why a socket gave nothing.
public enum SocketError: Error, Hashable {
    /// ``Socket/deadline`` passed.
    case timedOut
    /// Closed or aborted on this side.
    case closed
    case failed(SystemError)
}

/// What one attempt at a non-blocking call gave.
public enum SocketAttempt: Hashable, Sendable {
    /// Bytes moved, at least one (or none, for an empty buffer).
    case bytes(Int)
    case wouldBlock
    /// The peer has sent its last byte.
    case endOfStream
    case failed(SystemError)
}

/// A connected stream descriptor (socket or pipe) on one loop, edge-triggered.
///
/// Bound to its loop's thread: one reader and one writer at a time, both on the loop. Owns the descriptor: call ``close()``.
/// Task cancellation does not end a wait by itself, since a handler per wait would cost more than the wait;
/// wrap a whole conversation in ``withAbortOnCancel(_:)``.
public final class Socket: IOHandler {
    public private(set) var fd: Int32
    public let loop: Loop
    private var watch: Watch?
    private var isReadable = true
    private var isWritable = true
    /// Hang-up or end seen: readiness stays on, so that the end is read (edge-triggered sockets tell it once).
    private var sawEnd = false
    private var isAborted = false
    private var isOverdue = false
    private var reader: UnsafeContinuation<Void, Never>?
    private var writer: UnsafeContinuation<Void, Never>?
    private var timer = DeadlineTimer()

    /// Called once when the peer closes or the connection breaks while nobody is waiting to read.
    public var onPeerClosed: (() -> Void)?

    /// Takes over a descriptor, makes it non-blocking and watches it. On failure the caller still owns it.
    public init(adopting fd: Int32, on loop: Loop) throws(SystemError) {
        self.fd = fd
        self.loop = loop
        super.init()
        guard csystem_set_nonblocking(fd) >= 0 else { throw SystemError.last("fcntl") }
        watch = try loop.watch(fd, [.read, .write], trigger: .edge, handler: self)
    }

    /// Who is at the other end.
    public var peer: SocketAddress? { SocketAddress.peer(of: fd) }

    /// Whether the peer is known to have closed its side or the connection to be broken.
    public var peerHasClosed: Bool { sawEnd }

    /// A wait that is still going on at this time throws `.timedOut`, as does every later one until the deadline is moved. Moving it is cheap.
    public var deadline: MonotonicTime? {
        get { timer.deadline }
        set {
            isOverdue = false
            if newValue == timer.deadline { return }
            timer.set(newValue, on: loop) { [unowned self] in deadlineFired() }
        }
    }

    private func deadlineFired() {
        guard timer.fired(on: loop, { [unowned self] in deadlineFired() }) else { return }
        isOverdue = true
        wakeBoth()
    }

    // MARK: Reading and writing

    /// Reads what is there, at least one byte; waits when nothing is. 0 means the peer has sent its last byte.
    public func read(into buffer: UnsafeMutableRawBufferPointer) async throws(SocketError) -> Int {
        while true {
            switch tryRead(into: buffer) {
            case .bytes(let count): return count
            case .endOfStream: return 0
            case .failed(let error): throw .failed(error)
            case .wouldBlock: try await waitReadable()
            }
        }
    }

    /// Writes all bytes, waiting whenever the kernel's buffer is full.
    public func write(_ bytes: UnsafeRawBufferPointer) async throws(SocketError) {
        var rest = bytes
        while !rest.isEmpty {
            switch tryWrite(rest) {
            case .bytes(let count): rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            case .endOfStream: throw .closed
            case .failed(let error): throw .failed(error)
            case .wouldBlock: try await waitWritable()
            }
        }
    }

    /// One read(2), if the socket may have something.
    public func tryRead(into buffer: UnsafeMutableRawBufferPointer) -> SocketAttempt {
        guard fd >= 0 else { return .failed(SystemError(errno: EBADF, call: "read")) }
        guard isReadable else { return .wouldBlock }
        while true {
            let count = Glibc.read(fd, buffer.baseAddress, buffer.count)
            if count > 0 {
                // A short read emptied the socket: saves the EAGAIN probe.
                if count < buffer.count, !sawEnd { isReadable = false }
                return .bytes(count)
            }
            if count == 0 { return buffer.isEmpty ? .bytes(0) : .endOfStream }
            let code = csystem_errno()
            if code == EINTR { continue }
            if code == EAGAIN {
                isReadable = false
                return .wouldBlock
            }
            return .failed(SystemError(errno: code, call: "read"))
        }
    }

    /// One write(2). The kernel may take less than is offered.
    public func tryWrite(_ bytes: UnsafeRawBufferPointer) -> SocketAttempt {
        guard fd >= 0 else { return .failed(SystemError(errno: EBADF, call: "write")) }
        if bytes.isEmpty { return .bytes(0) }
        while true {
            let count = Glibc.write(fd, bytes.baseAddress, bytes.count)
            if count >= 0 { return .bytes(count) }
            let code = csystem_errno()
            if code == EINTR { continue }
            if code == EAGAIN {
                isWritable = false
                return .wouldBlock
            }
            return .failed(SystemError(errno: code, call: "write"))
        }
    }

    /// For a layer that reads the descriptor itself (TLS) and was told that nothing is there.
    public func noteNotReadable() { isReadable = false }
    /// For a layer that writes the descriptor itself and was told that the kernel is full.
    public func noteNotWritable() { isWritable = false }

    // MARK: Waiting

    /// Returns when a read may give something.
    public func waitReadable() async throws(SocketError) {
        precondition(reader == nil, "one reader at a time")
        while true {
            try check()
            if isReadable { return }
            if sawEnd {
                isReadable = true
                return
            }
            await withUnsafeContinuation { reader = $0 }
        }
    }

    /// Returns when a write may be taken.
    public func waitWritable() async throws(SocketError) {
        precondition(writer == nil, "one writer at a time")
        while true {
            try check()
            if isWritable { return }
            await withUnsafeContinuation { writer = $0 }
        }
    }

    private func check() throws(SocketError) {
        if isAborted || fd < 0 { throw .closed }
        if isOverdue { throw .timedOut }
    }

    public override func ready(_ events: IOEvents) {
        let ended = !events.isDisjoint(with: [.peerClosed, .broken])
        if events.contains(.readable) || ended {
            isReadable = true
            resumeReader(ended: ended)
        }
        if events.contains(.writable) || events.contains(.broken) {
            isWritable = true
            if let writer {
                self.writer = nil
                writer.resume()
            }
        }
    }

    private func resumeReader(ended: Bool) {
        let isNews = ended && !sawEnd
        if ended { sawEnd = true }
        if let reader {
            self.reader = nil
            reader.resume()
        } else if isNews, let notify = onPeerClosed {
            onPeerClosed = nil
            notify()
        }
    }

    private func wakeBoth() {
        if let reader {
            self.reader = nil
            reader.resume()
        }
        if let writer {
            self.writer = nil
            writer.resume()
        }
    }

    // MARK: Ending

    /// Sends FIN after what was written; reading goes on.
    public func shutdownWrite() {
        if fd >= 0 { _ = shutdown(fd, Int32(SHUT_WR)) }
    }

    /// Every wait, present and future, throws `.closed`. The descriptor stays open until ``close()``.
    public func abort() {
        isAborted = true
        wakeBoth()
    }

    /// Closes the descriptor; waits throw `.closed`. Idempotent.
    public func close() {
        guard fd >= 0 else { return }
        timer.cancel(on: loop)
        if let watch { loop.unwatch(watch) }
        watch = nil
        Glibc.close(fd)
        fd = -1
        isAborted = true
        onPeerClosed = nil
        wakeBoth()
    }

    /// Closes so that the peer sees a reset instead of an orderly end (SO_LINGER 0).
    public func closeWithReset() {
        if fd >= 0 {
            var value = linger(l_onoff: 1, l_linger: 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        }
        close()
    }

    /// Runs `body` so that cancelling the task aborts this socket's waits.
    public func withAbortOnCancel<T, E: Error>(_ body: () async throws(E) -> T) async throws(E) -> T {
        let handle = SocketHandle(socket: self)
        do {
            return try await withTaskCancellationHandler {
                try await body()
            } onCancel: {
                handle.socket.loop.execute { handle.socket.abort() }
            }
        } catch let error as E {
            throw error
        } catch {
            preconditionFailure("body throws nothing else")
        }
    }
}

/// Carries a socket into a cancellation handler.
private struct SocketHandle: @unchecked Sendable {
    // @unchecked: used only inside `loop.execute`, which is the socket's own thread; `loop` itself is constant.
    let socket: Socket
}
