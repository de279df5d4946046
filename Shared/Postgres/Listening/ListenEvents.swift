import EventLoop

/// Why to look at the database.
public enum ListenEvent: Sendable, Hashable {
    /// Someone ran NOTIFY on the channel. A hint, not a message queue: it can be lost with the connection, and `poll` makes up for that.
    case notified(payload: String)
    /// The polling interval is over, or notifications may have been missed. Always the first event.
    case poll
}

/// The notifications of one channel and the ticks of its polling fallback, for one consumer. Ends when the database is closed.
public struct ListenEvents: AsyncSequence, Sendable {
    let stream: AsyncStream<ListenEvent>

    public func makeAsyncIterator() -> Iterator { Iterator(base: stream.makeAsyncIterator()) }

    public struct Iterator: AsyncIteratorProtocol {
        var base: AsyncStream<ListenEvent>.Iterator

        /// nil when the database was closed or the task cancelled.
        public mutating func next() async -> ListenEvent? { await base.next(isolation: #isolation) }
    }
}

extension Database {
    /// Listens on a channel; all channels of a process share one connection, which is made anew when it breaks.
    ///
    /// - Parameters:
    ///   - channel: at most 63 bytes.
    ///   - pollEvery: longest time between two events, whatever the state of the connection.
    public func listen(_ channel: String, pollEvery: Duration) -> ListenEvents {
        precondition(!channel.isEmpty && channel.utf8.count <= 63 && !channel.utf8.contains(0), "not a channel's name")
        let hub = listening
        // Older hints give way to newer ones; the next poll makes up for them.
        let (stream, continuation) = AsyncStream.makeStream(
            of: ListenEvent.self, bufferingPolicy: .bufferingNewest(1024))
        hub.loop.execute { hub.value.subscribe(channel, pollEvery: max(pollEvery, .milliseconds(1)), continuation) }
        return ListenEvents(stream: stream)
    }
}
