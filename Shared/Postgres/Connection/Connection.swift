internal import CLibpq
import EventLoop

/// One connection in pipeline mode. Loop-bound.
///
/// Units are sent as they are submitted and answered in order. A unit is sent whole, with its Sync, in one synchronous step:
/// nothing can come between, so no unit ever shares an implicit transaction with another.
final class Connection: IOHandler {
    let loop: Loop
    let settings: Settings
    private let handle: PGHandle
    private var watch: Watch?
    private var interest: Interest = .read
    private var cache: StatementCache
    /// What the server still owes answers to, in order.
    private var steps = Ring<Step>()
    private var units = Ring<StatementUnit>()
    private var script: StatementUnit?
    /// Result of the step at the head, until libpq says that no more belongs to it.
    private var pending: ResultHandle?
    /// libpq has given at least one result for the step at the head.
    private var stepHasResult = false
    private var lastProgress: MonotonicTime
    private var timer: (id: TimerID, due: MonotonicTime)?
    private var cancelsUnderWay = 0
    private var cancelWaiters: [UnsafeContinuation<Void, Never>] = []
    private(set) var closedBecause: String?
    /// After so long without any answer the server is taken for dead. nil: never.
    var answerLimit: Duration?
    /// Called once, when the connection is of no use any more.
    var onClose: ((Connection) -> Void)?
    var onNotification: ((_ channel: String, _ payload: String) -> Void)?

    private enum Step {
        case prepare(StatementCache.Entry)
        case statement
        /// Housekeeping: its failure is nobody's.
        case deallocate(String)
        case sync
        case housekeepingSync
    }

    /// Takes over an established connection.
    init(_ handle: PGHandle, on loop: Loop, settings: Settings) throws(DatabaseError) {
        self.handle = handle
        self.loop = loop
        self.settings = settings
        cache = StatementCache(limit: settings.preparedStatements)
        lastProgress = loop.now
        super.init()
        guard PQsetnonblocking(handle.raw, 1) == 0, PQenterPipelineMode(handle.raw) == 1 else {
            throw .unavailable(reason: handle.message, outcomeUnknown: false)
        }
        do {
            // Level-triggered: one PQconsumeInput may leave bytes in the kernel.
            watch = try loop.watch(handle.socket, .read, trigger: .level, handler: self)
        } catch {
            throw .unavailable(reason: "the socket cannot be watched", outcomeUnknown: false)
        }
    }

    var isOpen: Bool { closedBecause == nil }
    var inFlight: Int { units.count }
    var isQuiet: Bool { isOpen && units.isEmpty && steps.isEmpty && script == nil && cancelsUnderWay == 0 }
    var backendPID: Int32 { handle.backendPID }

    /// idle, or in a transaction that `ROLLBACK` or `COMMIT` would end.
    var isOutsideTransaction: Bool { PQtransactionStatus(handle.raw) == PQTRANS_IDLE }
    var isInTransaction: Bool { PQtransactionStatus(handle.raw) == PQTRANS_INTRANS }

    // MARK: Sending

    /// Sends a unit with its Sync. Its end is told through the unit.
    func submit(_ unit: StatementUnit) {
        guard isOpen else {
            return unit.finish(.unavailable(reason: closedBecause ?? "closed", outcomeUnknown: false))
        }
        if !cache.dropped.isEmpty { deallocateDropped() }
        let sent: Bool
        switch unit.work {
        case .one(let statement): sent = send(statement)
        case .several(let statements): sent = statements.allSatisfy { send($0) }
        case .script(let text): return submitScript(unit, text)
        }
        // Before the flush, which may already read answers.
        if units.isEmpty { lastProgress = loop.now }
        steps.append(.sync)
        units.append(unit)
        guard sent, PQpipelineSync(handle.raw) == 1 else {
            // Without its Sync nothing of it commits.
            if !sent { unit.finish(.unavailable(reason: handle.message, outcomeUnknown: false)) }
            return close(because: handle.message)
        }
        armTimer(unit)
        flush()
    }

    private func send(_ statement: BoundStatement) -> Bool {
        switch cache.look(statement) {
        case .prepared(let entry):
            steps.append(.statement)
            return handle.send(statement, name: entry.name)
        case .prepare(let entry):
            steps.append(.prepare(entry))
            steps.append(.statement)
            return handle.sendPrepare(entry) && handle.send(statement, name: entry.name)
        case .unnamed:
            steps.append(.statement)
            return handle.send(statement, name: nil)
        }
    }

    /// In a failed transaction this is refused; the names then stay on the list.
    private func deallocateDropped() {
        let names = cache.dropped
        cache.dropped = []
        for name in names {
            steps.append(.deallocate(name))
            steps.append(.housekeepingSync)
            let statement = BoundStatement(Command(text: "DEALLOCATE \(name)"))
            if !handle.send(statement, name: nil) || PQpipelineSync(handle.raw) != 1 { return }
        }
    }

    private func submitScript(_ unit: StatementUnit, _ text: String) {
        precondition(units.isEmpty && steps.isEmpty, "a script runs on a connection without other work")
        lastProgress = loop.now
        script = unit
        units.append(unit)
        guard PQexitPipelineMode(handle.raw) == 1, PQsendQuery(handle.raw, text) == 1 else {
            return close(because: handle.message)
        }
        armTimer(unit)
        flush()
    }

    private func flush() {
        switch PQflush(handle.raw) {
        case 0: setInterest(.read)
        case 1:
            setInterest([.read, .write])
            // A full socket makes libpq read, and then the kernel has nothing more to announce.
            loop.atEndOfTick { [weak self] in self?.takeAnswers() }
        default: close(because: handle.message)
        }
    }

    private func setInterest(_ wanted: Interest) {
        guard wanted != interest, let watch else { return }
        interest = wanted
        loop.update(watch, wanted)
    }

    // MARK: Receiving

    override func ready(_ events: IOEvents) {
        guard isOpen else { return }
        if interest.contains(.write) { flush() }
        guard isOpen else { return }
        let alive = PQconsumeInput(handle.raw) == 1
        takeAnswers()
        if !alive { close(because: handle.message) }
    }

    private func takeAnswers() {
        var separators = 0
        while isOpen, PQisBusy(handle.raw) == 0 {
            guard let raw = PQgetResult(handle.raw) else {
                if script != nil {
                    endScript()
                    continue
                }
                endStep()
                separators += 1
                // One ends a step; a second one in a row says that there is nothing more.
                if separators == 2 { break }
                continue
            }
            separators = 0
            take(ResultHandle(owning: raw))
        }
        if isOpen { takeNotifications() }
    }

    private func take(_ result: ResultHandle) {
        if result.status != PGRES_PIPELINE_SYNC { stepHasResult = true }
        switch result.status {
        case PGRES_PIPELINE_SYNC: endUnit()
        case PGRES_FATAL_ERROR:
            guard let error = result.serverError else { return close(because: result.clientMessage) }
            if case .deallocate(let name)? = steps.first {
                cache.dropped.append(name)
            } else {
                units.first?.note(databaseError(error))
                if error.asksForNewPlan { forgetPlans() }
            }
            pending = nil
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            units.first?.note(.unavailable(reason: "COPY is not supported", outcomeUnknown: false))
            close(because: "COPY is not supported")
        case PGRES_PIPELINE_ABORTED: pending = nil
        default: pending = result
        }
    }

    private func endStep() {
        guard stepHasResult else { return }
        stepHasResult = false
        let result = pending
        pending = nil
        switch steps.first {
        case .prepare(let entry)?:
            if result != nil { entry.isReady = true } else { cache.forget(entry) }
        case .statement?:
            if let result { units.first?.add(result) }
        case .deallocate?: break
        // An error that came with the Sync itself (a deferred constraint, a failed commit) was noted; the Sync follows.
        case .sync?, .housekeepingSync?, nil: return
        }
        _ = steps.popFirst()
        lastProgress = loop.now
    }

    private func endUnit() {
        let step = steps.popFirst()
        lastProgress = loop.now
        if case .housekeepingSync? = step { return }
        guard case .sync? = step, let unit = units.popFirst() else {
            return close(because: "answers out of order")
        }
        if needsReplay(unit) {
            unit.resetForReplay()
            return submit(unit)
        }
        end(unit)
    }

    /// The first plan of the unit was refused and nothing was run: safe to send again, behind what has been sent since.
    private func needsReplay(_ unit: StatementUnit) -> Bool {
        guard unit.mayReplay, !unit.wasReplayed, !unit.isDone else { return false }
        return unit.failure?.server?.asksForNewPlan ?? false
    }

    private func end(_ unit: StatementUnit) {
        if unit.failure != nil { settings.counters.statementErrors.add() }
        unit.finish()
    }

    private func endScript() {
        guard let unit = script else { return }
        script = nil
        pending = nil
        stepHasResult = false
        _ = units.popFirst()
        guard PQenterPipelineMode(handle.raw) == 1 else {
            unit.finish(.unavailable(reason: handle.message, outcomeUnknown: true))
            return close(because: handle.message)
        }
        end(unit)
    }

    private func forgetPlans() {
        switch units.first?.work {
        case .one(let statement)?: cache.drop(text: statement.text)
        case .several(let statements)?: for statement in statements { cache.drop(text: statement.text) }
        case .script?, nil: break
        }
    }

    private func databaseError(_ error: ServerError) -> DatabaseError {
        if error.state.meansUnavailable || error.isFatal {
            return .unavailable(reason: error.message, outcomeUnknown: true)
        }
        if error.state == .queryCanceled {
            return units.first?.cancelWasSent == true ? .cancelled : .timedOut(outcomeUnknown: false)
        }
        return .server(error)
    }

    private func takeNotifications() {
        while let notification = PQnotifies(handle.raw) {
            defer { PQfreemem(notification) }
            guard let onNotification else { continue }
            let channel = notification.pointee.relname.map { String(cString: $0) } ?? ""
            onNotification(channel, notification.pointee.extra.map { String(cString: $0) } ?? "")
        }
    }

    // MARK: Time limits

    private func armTimer(_ unit: StatementUnit) {
        let silence = answerLimit.map { lastProgress + $0 }
        guard let due = [silence, unit.deadline].compactMap({ $0 }).min() else { return }
        if let timer {
            if timer.due <= due { return }
            loop.cancel(timer.id)
        }
        setTimer(due)
    }

    private func setTimer(_ due: MonotonicTime) {
        timer = (loop.schedule(at: due) { [weak self] in self?.timerFired() }, due)
    }

    private func timerFired() {
        timer = nil
        guard isOpen, !units.isEmpty else { return }
        let now = MonotonicTime.now()
        var next: MonotonicTime?
        for index in 0..<units.count {
            guard let unit = units[index], !unit.isDone, let deadline = unit.deadline else { continue }
            if deadline <= now {
                settings.counters.statementErrors.add()
                unit.finish(.timedOut(outcomeUnknown: true))
            } else {
                next = min(next ?? deadline, deadline)
            }
        }
        if let answerLimit {
            let silentUntil = lastProgress + answerLimit
            if silentUntil <= now {
                units.first?.note(.timedOut(outcomeUnknown: true))
                return close(because: "the server does not answer")
            }
            next = min(next ?? silentUntil, silentUntil)
        }
        if let next { setTimer(next) }
    }

    // MARK: Cancelling

    /// How long the server may take to obey a cancel request before the connection is given up.
    private static let cancelGrace: Duration = .seconds(5)

    /// Asks the server to stop the statement under way. For borrowed connections: on shared ones it could hit a neighbour.
    func cancel(_ unit: StatementUnit) {
        guard isOpen, !unit.isDone, !unit.cancelWasSent, units.first === unit else { return }
        guard let request = CancelRequest(handle) else { return }
        unit.cancelWasSent = true
        cancelsUnderWay += 1
        settings.counters.cancels.add()
        let box = LoopBound(self, on: loop)
        let pool = settings.cancelPool
        loop.spawn {
            do {
                try await pool.run { request.send() }
            } catch {
                // No thread is free: closing is all that is left.
                box.value.close(because: "a statement could not be cancelled")
            }
            box.value.cancelEnded()
        }
        loop.schedule(after: Connection.cancelGrace) { [weak self] in
            guard let self, self.isOpen, !unit.isDone || self.cancelsUnderWay > 0 else { return }
            self.close(because: "a cancelled statement did not stop")
        }
    }

    private func cancelEnded() {
        cancelsUnderWay -= 1
        if cancelsUnderWay == 0 { wakeCancelWaiters() }
    }

    private func wakeCancelWaiters() {
        let waiting = cancelWaiters
        cancelWaiters = []
        for continuation in waiting { continuation.resume() }
    }

    /// Waits until no cancel request can hit a later statement.
    func cancelsSettled() async {
        while isOpen, cancelsUnderWay > 0 {
            await withUnsafeContinuation { cancelWaiters.append($0) }
        }
    }

    // MARK: The end

    /// Gives the connection up. Units under way end as unavailable with an unknown outcome.
    func close(because reason: String) {
        guard closedBecause == nil else { return }
        closedBecause = reason
        if let watch { loop.unwatch(watch) }
        watch = nil
        if let timer { loop.cancel(timer.id) }
        timer = nil
        pending = nil
        script = nil
        while let unit = units.popFirst() {
            if !unit.isDone { settings.counters.statementErrors.add() }
            unit.finish(.unavailable(reason: reason, outcomeUnknown: true))
        }
        steps = Ring()
        wakeCancelWaiters()
        let tell = onClose
        onClose = nil
        onNotification = nil
        tell?(self)
    }
}
