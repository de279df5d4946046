import ServiceKit

/// How long things are waited for, and how they relate.
struct Timings: Sendable {
    /// Between two looks at a running deployment.
    var pollInterval: Duration = .seconds(5)
    /// Longest pause after failed looks.
    var pollPauseMax: Duration = .seconds(60)
    /// A look that is younger is not repeated for a read.
    var minimumLookAge: Duration = .seconds(2)
    /// Longest time of one call to the engine.
    var startTimeout: Duration = .seconds(10)
    var readTimeout: Duration = .seconds(3)
    /// Age at which an undecided start is looked into. Greater than `startTimeout`.
    var reconcileAfter: Duration = .seconds(15)
    /// Pause between two searches for an undecided start.
    var reconcilePause: Duration = .seconds(5)
    /// Age from which two clean searches without a result end an undecided start.
    var reconcileGiveUp: Duration = .seconds(30)
    /// An execution that the engine does not know this often in a row, over at least `missingSpread`, has vanished.
    var missingLooks = 3
    var missingSpread: Duration = .seconds(60)
    /// A running deployment without an answer of the engine for so long is worth a warning.
    var noContactWarning: Duration = .seconds(900)
    /// A deployment that runs for so long is worth a warning.
    var longRunWarning: Duration = .seconds(3600)

    /// How long after its reservation a start may still be sent: it must have ended before anyone looks into it.
    var startWithin: Duration { reconcileAfter - startTimeout }

    init() {}

    init(_ configuration: Configuration) {
        pollInterval = configuration[ServiceVariables.pollInterval]
        minimumLookAge = configuration[ServiceVariables.minimumLookAge]
        startTimeout = configuration[ServiceVariables.gateStartTimeout]
        readTimeout = configuration[ServiceVariables.gateReadTimeout]
        reconcileAfter = configuration[ServiceVariables.reconcileAfter]
        reconcileGiveUp = configuration[ServiceVariables.reconcileGiveUp]
        reconcilePause = pollInterval
    }
}

extension Duration {
    /// Whole microseconds, for intervals in SQL.
    var inMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000
    }
}
