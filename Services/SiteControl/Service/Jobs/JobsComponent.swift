import EventLoop
import ServiceKit

/// The job engine as the service has it: what runs beside requests.
struct JobsComponent {
    /// Port of health where only jobs are run.
    static let workerPort = 8091

    let background: [BackgroundTask]
    /// Longest time that the engine takes to stop.
    let stopLimit: Duration

    /// - Parameters:
    ///   - executor: nil where this process runs no jobs.
    ///   - mayClaim: waited for before the first claim; false where this process must not run jobs.
    init(
        _ runtime: ServiceRuntime, executor: (any JobExecutor)?, mayClaim: @escaping @Sendable () async -> Bool = { true }
    ) {
        let timings = JobTimings(runtime.configuration)
        let metrics = JobMetrics(runtime.metrics)
        let (database, logger, signals) = (runtime.database, runtime.logger, JobSignals(runtime.database))
        // Every process looks after jobs that were left, also one that runs none.
        let reaper = JobReaper(database: database, timings: timings, logger: logger, metrics: metrics, signals: signals)
        let scheduler = JobScheduler(database: database, timings: timings, logger: logger, metrics: metrics, signals: signals)
        var background = [
            BackgroundTask("job reaper") { try await reaper.run() },
            BackgroundTask("job scheduler", stop: .atOnce) { try await scheduler.run() },
        ]
        let slots = runtime.configuration[ServiceVariables.workers]
        if let executor, slots > 0 {
            let engine = JobEngine(
                database: database, loops: runtime.loops, executor: executor, slots: slots, timings: timings, logger: logger,
                metrics: metrics, signals: signals, mayClaim: mayClaim)
            background.append(BackgroundTask("job engine", stop: .atOnce) { await engine.run() })
        }
        self.background = background
        stopLimit = timings.stopLimit
    }

    /// `worker`: jobs alone.
    static func command(_ definition: ServiceDefinition<SiteRole>) -> ConsoleCommand {
        definition.backgroundCommand(
            "worker", "runs jobs until SIGTERM or SIGINT; no API, health on TRIVET_ADMIN_LISTEN or TRIVET_LISTEN (port 8091)",
            defaultPort: workerPort
        ) { configuration in
            configuration[ServiceVariables.workers] > 0 ? nil : "\(ServiceVariables.workers.name) is 0: there is nothing to do"
        }
    }
}

extension JobTimings {
    init(_ configuration: Configuration) {
        timeout = configuration[ServiceVariables.jobTimeout]
        maxAttempts = configuration[ServiceVariables.jobMaxAttempts]
        backoff = configuration[ServiceVariables.jobBackoff]
        lease = configuration[ServiceVariables.jobLease]
        reaperInterval = configuration[ServiceVariables.jobReaper]
        pollInterval = configuration[ServiceVariables.jobPollInterval]
        schedulerInterval = configuration[ServiceVariables.scheduler]
        shutdownGrace = configuration[CommonVariables.shutdownGrace]
    }
}
