import Encoding
import EventLoop
import Locking

/// Hears what a run says, masks it, and hands it on: lines of both streams and events of the callback plugin.
final class RunListener: Sendable {
    private struct State {
        var lines: [ChildProcess.Stream: LineAssembler]
        var tail = OutputTail()
        var ledger = RunLedger()
    }

    private let mask: SecretMask
    private let progress: any AttemptProgress
    private let state: Locked<State>

    init(mask: SecretMask, progress: any AttemptProgress) {
        self.mask = mask
        self.progress = progress
        state = Locked(State(lines: [.output: LineAssembler(mask), .error: LineAssembler(mask)]))
    }

    /// The end of both streams together, masked.
    var tail: String { state.withLock { $0.tail.text } }
    var ledger: RunLedger { state.withLock { $0.ledger } }

    func take(_ stream: ChildProcess.Stream, _ bytes: [UInt8]) async {
        await tell(stream) { $0.take(bytes) }
    }

    func take(_ event: JSONObject) async {
        let masked = mask.mask(event)
        state.withLock { $0.ledger.take(masked) }
        await progress.event(masked)
    }

    /// Tells the lines that had no end.
    func finish() async {
        for stream in [ChildProcess.Stream.output, .error] { await tell(stream) { $0.finish() } }
    }

    /// What people read at a failed job: the reason, then the end of the output.
    func message(_ reason: String) -> String {
        let masked = mask.mask(reason)
        let head = masked.utf8.count <= 2048 ? masked : String(decoding: masked.utf8.prefix(2000), as: UTF8.self)
        let tail = tail
        guard !tail.isEmpty else { return head }
        return head + "\n\n" + OutputTail.end(of: tail, bytesMax: RunnerLimits.tailBytesMax - head.utf8.count - 2)
    }

    private func tell(_ stream: ChildProcess.Stream, _ step: (inout LineAssembler) -> [String]) async {
        let lines = state.withLock { state in
            let lines = step(&state.lines[stream, default: LineAssembler(mask)])
            for line in lines { state.tail.append(line: line) }
            return lines
        }
        for line in lines { await progress.line(stream == .output ? .output : .error, line) }
    }
}
