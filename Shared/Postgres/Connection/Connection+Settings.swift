import EventLoop

extension Connection {
    /// What a connection is given by its pool.
    struct Settings {
        /// Prepared statements that are kept.
        let preparedStatements: Int
        let counters: DatabaseCounters
        /// Where cancel requests may block.
        let cancelPool: BlockingPool
    }
}
