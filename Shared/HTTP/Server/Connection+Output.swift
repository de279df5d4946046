import EventLoop
import Glibc

/// The way of responses to the socket: gathered, written when the connection has nothing else to do, and at the latest at the end of the tick.
extension Connection: ResponseSink {
    func borrowedOutput() -> OutputBuffer {
        if let output { return output }
        let borrowed = shard.borrowOutput()
        output = borrowed
        return borrowed
    }

    func write(_ response: Response, for context: ResponseSerializer.Context) -> ResponseSerializer.Outcome {
        shard.serializer.write(response, for: context, at: time(nil), into: borrowedOutput())
    }

    // MARK: Streams

    func append(_ bytes: UnsafeRawBufferPointer) throws(ResponseError) {
        if let writeFailure { throw Self.responseError(writeFailure) }
        borrowedOutput().append(bytes)
        scheduleFlush()
    }

    func waitForRoom() async throws(ResponseError) {
        if let output, output.count >= limits.writeBufferBytes { try await flush() }
    }

    func flush() async throws(ResponseError) {
        do throws(SocketError) {
            try await flushOutput()
            await giveOthersATurn()
        } catch {
            throw Self.responseError(error)
        }
    }

    private static func responseError(_ error: SocketError) -> ResponseError {
        error == .timedOut ? .stalled : .closed
    }

    // MARK: Flushing

    /// Returns when all that is pending was given to the kernel.
    func flushOutput() async throws(SocketError) {
        if let backgroundFlush { await backgroundFlush.value }
        if let writeFailure { throw writeFailure }
        isWriting = true
        defer { isWriting = false }
        try await writePending()
        releaseOutput()
    }

    /// Returns the buffer to the shard, with whatever is in it dropped.
    func releaseOutput() {
        guard let output else { return }
        output.clear()
        shard.giveBack(output)
        self.output = nil
    }

    private func writePending() async throws(SocketError) {
        while let output, !output.isEmpty {
            output.consume(try await writeSome(of: output))
        }
    }

    /// Writes a part of what is pending, which may grow during a wait.
    private func writeSome(of output: OutputBuffer) async throws(SocketError) -> Int {
        while true {
            switch stream.tryWrite(output.readable) {
            case .bytes(let count):
                shard.counters.countSent(count)
                return count
            case .wouldBlock:
                waited()
                stream.socket.deadline = coarseDeadline(limits.writeStallTimeout)
                do throws(SocketError) {
                    try await stream.waitWritable()
                } catch {
                    writeFailure = error
                    throw error
                }
            case .endOfStream:
                writeFailure = .closed
                throw .closed
            case .failed(let error):
                writeFailure = .failed(error)
                throw .failed(error)
            }
        }
    }

    /// Sees to it that pending bytes leave at the end of this tick, even if a handler is then busy elsewhere.
    func scheduleFlush() {
        guard let output, !output.isEmpty, !isFlushScheduled else { return }
        isFlushScheduled = true
        shard.loop.atEndOfTick { [self] in
            isFlushScheduled = false
            flushAtEndOfTick()
        }
    }

    private func flushAtEndOfTick() {
        guard backgroundFlush == nil, !isWriting, writeFailure == nil, let output else { return }
        while !output.isEmpty {
            switch stream.tryWrite(output.readable) {
            case .bytes(let count):
                shard.counters.countSent(count)
                output.consume(count)
            case .wouldBlock: return startBackgroundFlush()
            case .endOfStream:
                writeFailure = .closed
                return
            case .failed(let error):
                writeFailure = .failed(error)
                return
            }
        }
    }

    private func startBackgroundFlush() {
        let handle = FlushHandle(connection: self)
        backgroundFlush = shard.loop.spawn { await handle.connection.runBackgroundFlush() }
    }

    private func runBackgroundFlush() async {
        try? await writePending()
        backgroundFlush = nil
    }
}

/// Carries a connection into its flushing task.
private struct FlushHandle: @unchecked Sendable {
    // @unchecked: the task runs on the loop that the connection is bound to.
    let connection: Connection
}
