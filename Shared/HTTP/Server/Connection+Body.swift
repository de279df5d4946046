import EventLoop

/// The body of the present request, read from the socket only when the handler asks.
extension Connection: BodySource {
    func nextPiece() async throws(BodyError) -> UnsafeRawBufferPointer? {
        if let bodyFailure { throw bodyFailure }
        do throws(BodyError) {
            while true {
                if let piece = try decodeBuffered() { return piece }
                if decoder.isFinished { return nil }
                if owesContinue {
                    owesContinue = false
                    let output = borrowedOutput()
                    output.append("HTTP/1.1 100 Continue\r\n\r\n")
                }
                try await receiveBody()
            }
        } catch {
            bodyFailure = error
            throw error
        }
    }

    /// The next piece of what was received already.
    private func decodeBuffered() throws(BodyError) -> UnsafeRawBufferPointer? {
        if input.isEmpty || decoder.isFinished { return nil }
        var rest = input.unread
        let before = rest.count
        let piece = try decoder.decode(&rest)
        let taken = before - rest.count
        input.take(taken)
        if taken > 0 { owesContinue = false }
        if let remaining = bodyRemaining { bodyRemaining = remaining - taken }
        return piece
    }

    private func receiveBody() async throws(BodyError) {
        if output != nil {
            do throws(SocketError) {
                try await flushOutput()
            } catch {
                throw .closed
            }
        }
        while true {
            let room = input.room(shard.pieces, shard.windows, wantsWindow: true)
            if room.isEmpty { throw .closed }
            switch stream.tryRead(into: room) {
            case .bytes(let count):
                input.added(count)
                shard.counters.countReceived(count)
                await giveOthersATurn()
                return
            case .wouldBlock:
                waited()
                if input.isEmpty { input.giveBack() }
                stream.socket.deadline = coarseDeadline(limits.bodyStallTimeout)
                do throws(SocketError) {
                    try await stream.waitReadable()
                } catch .timedOut {
                    throw .stalled
                } catch {
                    throw .closed
                }
            case .endOfStream: throw .truncated
            case .failed: throw .closed
            }
        }
    }

    /// After the handler: whether the rest of the body is little enough to be read and thrown away, so that the connection can go on.
    /// Throws away what was received already.
    func canReachBodyEnd() -> Bool {
        if bodyFailure != nil { return false }
        do throws(BodyError) {
            while try decodeBuffered() != nil {}
        } catch {
            bodyFailure = error
            return false
        }
        if decoder.isFinished { return true }
        // A client that waits for 100 may send the body or leave it out: nobody could tell what comes next.
        if owesContinue { return false }
        guard let remaining = bodyRemaining else { return false }
        return remaining <= limits.drainBytes
    }

    /// Reads the unread rest to its end. False when it did not come.
    func drainBody() async -> Bool {
        do throws(BodyError) {
            while try await nextPiece() != nil {}
            return true
        } catch {
            return false
        }
    }
}
