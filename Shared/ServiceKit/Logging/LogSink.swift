import Glibc
import Locking

/// Takes log bytes to a descriptor without ever waiting for its reader.
///
/// What the reader does not take is kept up to a limit; past it whole batches of lines are dropped and counted, and a line
/// that says how many follows as soon as there is room again.
public final class LogSink: Sendable {
    private enum Kind {
        /// A file: a write ends.
        case file
        /// A pipe or terminal opened anew in non-blocking mode, so that nobody else's descriptor changes its mode.
        case reopened
        /// A socket: `send` with MSG_DONTWAIT.
        case socket
        /// Neither: poll first, then write no more than a pipe takes at once.
        case polled
    }

    private struct State {
        var pending: [UInt8] = []
        /// Lines dropped since the last line that told of it.
        var dropped = 0
        var droppedTotal = 0
    }

    /// Bytes kept for a reader that does not read.
    public static let pendingBytesMax = 1 << 20

    private let descriptor: Int32
    private let kind: Kind
    private let ownsDescriptor: Bool
    private let format: LogFormat
    private let state = Locked(State())

    /// - Parameters:
    ///   - descriptor: stays the caller's.
    ///   - format: of the line that tells how many lines were dropped.
    public init(descriptor: Int32, format: LogFormat = .json) {
        self.format = format
        var information = stat()
        let mode = fstat(descriptor, &information) == 0 ? information.st_mode & S_IFMT : 0
        switch mode {
        case S_IFREG:
            (self.descriptor, kind, ownsDescriptor) = (descriptor, .file, false)
        case S_IFSOCK:
            (self.descriptor, kind, ownsDescriptor) = (descriptor, .socket, false)
        default:
            let own = open("/proc/self/fd/\(descriptor)", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
            if own >= 0 {
                (self.descriptor, kind, ownsDescriptor) = (own, .reopened, true)
            } else {
                (self.descriptor, kind, ownsDescriptor) = (descriptor, .polled, false)
            }
        }
    }

    /// Stderr of the process.
    public static func standardError(_ format: LogFormat) -> LogSink { LogSink(descriptor: STDERR_FILENO, format: format) }

    deinit { if ownsDescriptor { _ = close(descriptor) } }

    /// Lines dropped since the start.
    public var droppedLines: Int { state.withLock { $0.droppedTotal } }

    /// Writes whole lines, as far as the reader takes them. From any thread.
    /// - Returns: whether something waits for the reader: then call `retry` some time later.
    func write(_ bytes: [UInt8], lines: Int) -> Bool {
        state.withLock { state in
            drain(&state)
            var rest = bytes[...]
            if state.pending.isEmpty { send(&rest) }
            guard !rest.isEmpty else { return false }
            // The rest of a line that was begun is always kept, so that no line is ever cut.
            if rest.count == bytes.count, state.pending.count + rest.count > Self.pendingBytesMax {
                state.dropped += lines
                state.droppedTotal += lines
            } else {
                state.pending.append(contentsOf: rest)
            }
            return true
        }
    }

    /// Tries again to write what was kept.
    /// - Returns: whether something still waits.
    func retry() -> Bool {
        state.withLock { state in
            drain(&state)
            return !state.pending.isEmpty
        }
    }

    /// Waits for the reader, at the end of the process, for at most `milliseconds`.
    func finish(milliseconds: Int32) {
        state.withLock { state in
            drain(&state)
            var left = milliseconds
            while !state.pending.isEmpty, left > 0 {
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&entry, 1, min(left, 20))
                left -= 20
                drain(&state)
            }
        }
    }

    /// Writes what was kept, and then how many lines were dropped.
    private func drain(_ state: inout State) {
        writePending(&state)
        guard state.dropped > 0, state.pending.isEmpty else { return }
        var encoder = LogEncoder(format)
        encoder.begin(.warn, "log lines dropped", to: &state.pending)
        encoder.number("lines", state.dropped, to: &state.pending)
        encoder.end(to: &state.pending)
        state.dropped = 0
        writePending(&state)
    }

    private func writePending(_ state: inout State) {
        guard !state.pending.isEmpty else { return }
        var rest = state.pending[...]
        send(&rest)
        if rest.isEmpty {
            state.pending.removeAll(keepingCapacity: state.pending.capacity <= 65_536)
        } else if rest.count < state.pending.count {
            state.pending = Array(rest)
        }
    }

    /// Gives the descriptor as much as it takes now. A descriptor that is gone takes everything.
    private func send(_ bytes: inout ArraySlice<UInt8>) {
        while !bytes.isEmpty {
            if kind == .polled {
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&entry, 1, 0) == 1 else { return }
            }
            let count = bytes.withUnsafeBytes { buffer in
                switch kind {
                case .socket: Glibc.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
                case .polled: Glibc.write(descriptor, buffer.baseAddress, min(buffer.count, 4096))
                case .file, .reopened: Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                }
            }
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                if code == EAGAIN || code == EWOULDBLOCK { return }
                bytes = []
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }
}
