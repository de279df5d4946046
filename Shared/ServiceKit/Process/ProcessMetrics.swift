import EventLoop
import Glibc
import HTTP
import Postgres

/// The numbers that every process tells beside its requests.
enum ProcessMetrics {
    static func register(
        _ metrics: Metrics, service: String, version: String, loops: LoopGroup, database: Database, logger: Logger
    ) {
        metrics.computed("trivet_build_info", help: "1; the labels say what runs.", labels: ["service": service, "version": version]) { 1 }
        let started = Double(time(nil))
        metrics.computed("process_start_time_seconds", help: "Start of the process, seconds since 1970.") { started }
        metrics.computed("process_resident_memory_bytes", help: "Resident memory.") { residentBytes() }
        metrics.computed("trivet_log_lines_dropped_total", type: .counter, help: "Log lines that stderr did not take.") {
            Double(logger.sink.droppedLines)
        }
        for loop in loops.loops {
            metrics.computed(
                "trivet_loop_longest_tick_seconds",
                help: "Longest time since the last reading in which a loop looked at no descriptor.",
                labels: ["loop": "\(loop.index)"]
            ) { Double(loop.readStatistics().longestTick.wholeNanoseconds) / 1e9 }
        }
        register(database, in: metrics)
    }

    static func register(_ server: HTTPServer, listener: String, in metrics: Metrics) {
        metrics.computed(
            "trivet_http_connections_open", help: "Open connections.", labels: ["listener": listener]
        ) { Double(server.metrics.openConnections) }
        metrics.computed(
            "trivet_http_connections_accepted_total", type: .counter, help: "Connections accepted.",
            labels: ["listener": listener]
        ) { Double(server.metrics.acceptedConnections) }
    }

    static func register(_ readiness: Readiness, in metrics: Metrics) {
        metrics.computed("trivet_ready", help: "1 when the last check of readiness said yes.") {
            readiness.lastState == .ready ? 1 : 0
        }
    }

    private static func register(_ database: Database, in metrics: Metrics) {
        func number(_ name: String, _ type: Metrics.ComputedType, _ help: String, _ read: @escaping @Sendable (DatabaseStatus) -> Double) {
            metrics.computed("trivet_database_" + name, type: type, help: help) { read(database.status) }
        }
        number("reachable", .gauge, "1 while connections for reads and writes are up.") { $0.isReachable ? 1 : 0 }
        number("pipelines_up", .gauge, "Shared connections that are up.") { Double($0.pipelinesUp) }
        number("statements_in_flight", .gauge, "Statements under way on shared connections.") { Double($0.statementsInFlight) }
        number("sessions_in_use", .gauge, "Sessions that are lent.") { Double($0.sessionsInUse) }
        number("sessions_idle", .gauge, "Open sessions that wait for work.") { Double($0.sessionsIdle) }
        number("sessions_awaited", .gauge, "Callers that wait for a session.") { Double($0.sessionsAwaited) }
        number("statements_total", .counter, "Statements run.") { Double($0.statements) }
        number("statement_errors_total", .counter, "Statements that ended in an error.") { Double($0.statementErrors) }
        number("transactions_total", .counter, "Transactions.") { Double($0.transactions) }
        number("transaction_retries_total", .counter, "Transactions run again after a conflict.") { Double($0.transactionRetries) }
        number("connects_total", .counter, "Connections made.") { Double($0.connects) }
        number("connect_failures_total", .counter, "Attempts to connect that failed.") { Double($0.connectFailures) }
        number("connections_lost_total", .counter, "Connections that broke.") { Double($0.connectionsLost) }
    }

    /// From /proc/self/statm: the second number, in pages.
    private static func residentBytes() -> Double {
        guard case .success(let bytes) = SmallFile.read("/proc/self/statm", limit: 256) else { return .nan }
        let fields = bytes.split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return .nan }
        return Double(pages &* sysconf(Int32(_SC_PAGESIZE)))
    }
}
