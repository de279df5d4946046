/// Limits of event streams. Each bounds what one process does for those who watch.
struct EventLimits: Sendable {
    /// Open streams of a process; the next one is answered 503.
    var streamsMax = 1024
    /// Open streams of one client in a process; the next one is answered 429.
    var streamsPerClientMax = 128
    /// Events that one statement reads.
    var pageEvents = 256
    /// Bytes of event data that one statement reads, where the first event alone is not larger. A stream holds one page.
    var pageBytes = 64 * 1024
    /// Bytes of the latest events of a job that its watchers share. Who is further behind reads for himself.
    var sharedBytes = 256 * 1024
    /// Longest silence of a stream: then comes a comment.
    var heartbeat = Duration.seconds(15)
    /// Longest time between two looks at whether the client may still read.
    var admission = Duration.seconds(15)
    /// A watched job is looked at this often even where no notification came.
    var poll = Duration.seconds(2)
    /// What a client is told to wait before it connects again, milliseconds.
    var reconnectMilliseconds = 1000
}
