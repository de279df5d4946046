public import EventLoop
import Glibc

/// Writes log lines. On a loop, the lines of one tick leave together at the tick's end; elsewhere each leaves at once.
public final class Logger: Sendable {
    public let level: LogLevel
    public let format: LogFormat
    public let sink: LogSink
    private let buffers: PerLoop<LogBuffer>?

    /// - Parameter loops: the loops whose lines are gathered; nil for a logger used before there are any.
    public init(level: LogLevel, format: LogFormat, sink: LogSink, loops: LoopGroup?) {
        self.level = level
        self.format = format
        self.sink = sink
        buffers = loops.map { PerLoop($0) { _ in LogBuffer(format, sink) } }
    }

    /// JSON, or text where stderr is a terminal.
    public static var defaultFormat: LogFormat { isatty(STDERR_FILENO) == 1 ? .text : .json }

    public func isEnabled(_ level: LogLevel) -> Bool { level >= self.level }

    public func debug(_ message: String, _ fields: LogField...) { log(.debug, message, fields) }
    public func info(_ message: String, _ fields: LogField...) { log(.info, message, fields) }
    public func warn(_ message: String, _ fields: LogField...) { log(.warn, message, fields) }
    public func error(_ message: String, _ fields: LogField...) { log(.error, message, fields) }

    public func log(_ level: LogLevel, _ message: String, _ fields: [LogField]) {
        guard isEnabled(level) else { return }
        write { encoder, bytes in
            encoder.begin(level, message, to: &bytes)
            for field in fields { encoder.field(field, to: &bytes) }
            encoder.end(to: &bytes)
        }
    }

    /// Writes what waits, for at most `milliseconds`; at the end of the process, when the loops have stopped.
    public func finish(milliseconds: Int = 200) { sink.finish(milliseconds: Int32(clamping: milliseconds)) }

    /// Appends one line by `body`. The line must come from the encoder.
    func write(_ body: (inout LogEncoder, inout [UInt8]) -> Void) {
        if let buffer = buffers?.current, let loop = Loop.current {
            buffer.append(on: loop, body)
        } else {
            var encoder = LogEncoder(format)
            var bytes: [UInt8] = []
            body(&encoder, &bytes)
            _ = sink.write(bytes, lines: 1)
        }
    }
}

/// The lines of one loop that wait for the end of its tick. Loop-bound.
final class LogBuffer {
    /// Bytes past which lines leave before the tick's end.
    private static let bytesMax = 65_536
    /// Pause between two attempts at a reader that does not read.
    private static let retryDelay = Duration.milliseconds(100)

    private var encoder: LogEncoder
    private let sink: LogSink
    private var bytes: [UInt8] = []
    private var lines = 0
    private var isFlushPlanned = false
    private var isRetryPlanned = false
    private var flushAtEndOfTick: () -> Void = {}

    init(_ format: LogFormat, _ sink: LogSink) {
        encoder = LogEncoder(format)
        self.sink = sink
        flushAtEndOfTick = { [weak self] in
            guard let self else { return }
            isFlushPlanned = false
            if let loop = Loop.current { flush(on: loop) }
        }
    }

    func append(on loop: Loop, _ body: (inout LogEncoder, inout [UInt8]) -> Void) {
        body(&encoder, &bytes)
        lines += 1
        if bytes.count > Self.bytesMax { flush(on: loop) }
        if !isFlushPlanned {
            isFlushPlanned = true
            loop.atEndOfTick(flushAtEndOfTick)
        }
    }

    private func flush(on loop: Loop) {
        guard lines > 0 else { return }
        let somethingWaits = sink.write(bytes, lines: lines)
        bytes.removeAll(keepingCapacity: true)
        lines = 0
        if somethingWaits { planRetry(on: loop) }
    }

    /// Looks after a reader that has stopped reading, so that the last lines do not wait for the next ones.
    private func planRetry(on loop: Loop) {
        guard !isRetryPlanned else { return }
        isRetryPlanned = true
        loop.schedule(after: Self.retryDelay) { [weak self] in
            guard let self else { return }
            isRetryPlanned = false
            if sink.retry() { planRetry(on: loop) }
        }
    }
}
