import EventLoop

/// How a connection ends: by the client, by a drain, by a fault, or after its last response.
extension Connection {
    func peerClosed() {
        if phase == .responding { task?.cancel() }
    }

    /// An idle connection ends now, a busy one after its present response.
    func beginDrain() {
        if phase == .idle { stream.socket.abort() }
    }

    /// Ends the connection whatever it is doing.
    func abort() {
        task?.cancel()
        if writeFailure == nil { writeFailure = .closed }
        stream.socket.abort()
    }

    /// Answers what is not a request, and ends the connection.
    func answer(_ fault: HTTPFault) async throws(SocketError) {
        phase = .responding
        shard.counters.countFault()
        let response = await shard.shared.responder.respond(toFault: fault)
        let outcome = write(
            response, for: .init(isHead: fault.method == .head, version: .http11, keepsAlive: false))
        if outcome.needsStream, case .stream(let length, let produce) = response.body {
            guard await stream(produce, length: length, isChunked: outcome.isChunked) else { return }
        }
        try await flushOutput()
        await linger()
    }

    /// Reads and throws away what the client still sends, for a while: closing with bytes unread would reset the connection,
    /// and the reset could overtake the response.
    func linger() async {
        phase = .closing
        stream.finishWriting()
        let end = shard.loop.now + limits.lingerTimeout
        stream.socket.deadline = end
        var allowed = limits.drainBytes
        input.giveBack()
        while allowed > 0 {
            let room = input.room(shard.pieces, shard.windows, wantsWindow: true)
            switch stream.tryRead(into: room) {
            case .bytes(let count): allowed -= count
            case .wouldBlock:
                input.giveBack()
                do throws(SocketError) { try await stream.waitReadable() } catch { return }
            case .endOfStream, .failed: return
            }
        }
        // The kernel's buffers fill and stop the client, while what it was sent stays readable.
        input.giveBack()
        while !stream.socket.peerHasClosed, MonotonicTime.now() < end {
            do { try await shard.loop.sleep(for: .milliseconds(50)) } catch { return }
        }
    }
}
