import Encoding
import EventLoop
import Locking
import Postgres
import ServiceKit
import SiteControlDomain

/// Hears what happens to jobs, once for the whole process, and tells those who watch them.
///
/// A notification says only that there is something to read; one that is lost is made up for by looking every few seconds.
/// Events themselves are read by their numbers, so that nothing depends on who hears what and when.
final class EventHub: Sendable {
    private struct State {
        var feeds: [UUID: (feed: JobFeed, watchers: Int)] = [:]
        var streams = 0
        var streamsByClient: [String: Int] = [:]
        var isClosing = false
        /// Where feeds are read; nil before the hub runs.
        var loop: Loop?
    }

    let limits: EventLimits
    private let database: Database
    private let openStreams: Gauge
    private let state = Locked(State())

    init(_ database: Database, limits: EventLimits, metrics: Metrics) {
        self.database = database
        self.limits = limits
        openStreams = metrics.gauge("site_control_event_streams", help: "Open streams of job events.")
    }

    /// The process stops: streams end, so that clients go on elsewhere.
    var isClosing: Bool { state.withLock { $0.isClosing } }

    /// Listens until it is cancelled, and then ends all streams. On a loop.
    func run() async {
        state.withLock { $0.loop = Loop.current }
        var lastLook = MonotonicTime.now()
        for await event in database.listen(JobEventSQL.eventChannel, pollEvery: limits.poll) {
            if case .notified(let payload) = event, let job = UUID(payload), let feed = feed(of: job) { read(feed) }
            // Many notifications keep the hub from polling, and do not make up for a lost one.
            if event == .poll || MonotonicTime.now() - lastLook >= limits.poll {
                lastLook = .now()
                await look()
            }
        }
        let feeds = state.withLock { state in
            state.isClosing = true
            return state.feeds.values.map(\.feed)
        }
        for feed in feeds { feed.ringAll() }
    }

    // MARK: Watchers

    /// Joins those who watch a job.
    /// - Parameter page: what the caller has just read of it.
    func watch(_ job: UUID, at page: JobEventPage) -> JobFeed {
        let (feed, isNew) = state.withLock { state in
            if let known = state.feeds[job] {
                state.feeds[job] = (known.feed, known.watchers + 1)
                return (known.feed, false)
            }
            let feed = JobFeed(job, at: page, limits: limits)
            state.feeds[job] = (feed, 1)
            return (feed, true)
        }
        // What came between that reading and this moment was announced to nobody here.
        if isNew { read(feed) }
        return feed
    }

    func leave(_ feed: JobFeed) {
        state.withLock { state in
            guard let known = state.feeds[feed.job], known.feed === feed else { return }
            state.feeds[feed.job] = known.watchers > 1 ? (feed, known.watchers - 1) : nil
        }
    }

    /// Takes a place among the open streams.
    func open(for client: String) throws(Refusal) -> StreamSlot {
        try state.withLock { state throws(Refusal) in
            if state.isClosing || state.streams >= limits.streamsMax { throw .busy }
            let own = state.streamsByClient[client, default: 0]
            if own >= limits.streamsPerClientMax { throw .tooManyStreams }
            state.streams += 1
            state.streamsByClient[client] = own + 1
        }
        openStreams.add(1)
        return StreamSlot { [self] in
            state.withLock { state in
                state.streams -= 1
                let own = state.streamsByClient[client, default: 1] - 1
                state.streamsByClient[client] = own > 0 ? own : nil
            }
            openStreams.add(-1)
        }
    }

    // MARK: Reading

    private func feed(of job: UUID) -> JobFeed? { state.withLock { $0.feeds[job]?.feed } }

    /// Reads what follows what a feed has, unless that is under way.
    private func read(_ feed: JobFeed) {
        guard let loop = state.withLock({ $0.loop }) ?? Loop.current, feed.beginReading() else { return }
        loop.spawn { [self] in
            while true {
                let page = try? await JobEventPage.read(feed.job, after: feed.newest, limits: limits, from: database)
                if !feed.endReading(page) { return }
            }
        }
    }

    /// Looks at all watched jobs in one statement, and reads those that have more to tell.
    private func look() async {
        let feeds = state.withLock { $0.feeds.mapValues(\.feed) }
        guard !feeds.isEmpty else { return }
        let jobs = Array(feeds.keys)
        let rows = try? await database.query(
            "SELECT id, event_seq, status FROM jobs WHERE id = ANY(\(jobs))" as SQL<Columns<UUID, Int64, JobStatus>>)
        for row in rows ?? [] {
            let (id, newest, status) = row.values
            guard let feed = feeds[id], feed.newest < newest || feed.status != status else { continue }
            read(feed)
        }
    }
}

/// A place among the open streams, given back when nobody holds it any more: also where a stream never begins.
final class StreamSlot: Sendable {
    private let giveBack: @Sendable () -> Void

    init(_ giveBack: @escaping @Sendable () -> Void) { self.giveBack = giveBack }

    deinit { giveBack() }
}
