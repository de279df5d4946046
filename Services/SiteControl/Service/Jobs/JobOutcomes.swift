import Encoding
import EventLoop
import Postgres
import ServiceKit
import SiteControlDomain

/// Records what became of a run, in one round trip and one transaction behind the fence.
struct JobOutcomes: Sendable {
    let database: Database
    let timings: JobTimings
    let logger: Logger
    let signals: JobSignals

    enum Recorded: Sendable, Hashable {
        case recorded
        /// Somebody else owns the job by now: the outcome was dropped.
        case lost
    }

    /// Pause before another try where the database did not answer.
    private static let retryPause: Duration = .milliseconds(250)

    /// - Parameters:
    ///   - events: what of its progress is not written yet.
    ///   - mayGoOn: whether the run still holds its lease, as far as this process knows. Asked before every further try.
    func record(
        _ ending: JobEnding, of job: JobTicket, outputTail: String, events: [NewJobEvent], mayGoOn: @Sendable () -> Bool
    ) async -> Recorded {
        var ending = ending
        var outcomeWasUnknown = false
        while true {
            do {
                let commands = try await statements(ending, job, outputTail, events)
                _ = try await database.group(commands)
                tell(ending, job)
                return .recorded
            } catch let error as DatabaseError {
                if JobFence.refused(error) {
                    // An answer that got lost may have been this outcome.
                    guard outcomeWasUnknown else { return .lost }
                    let recorded = await wasRecorded(job)
                    if recorded == .recorded { tell(ending, job) }
                    return recorded
                }
                if case .server(let cause) = error, !cause.state.isTransient, !Self.isPassing(cause) {
                    guard case .succeeded = ending else {
                        logger.error("an outcome cannot be recorded", .text("job", job.id.description), .error(error))
                        return .lost
                    }
                    logger.error("a result cannot be recorded", .text("job", job.id.description), .error(error))
                    ending = Self.unfit(cause.state.code)
                    continue
                }
                if case .unavailable(_, true) = error { outcomeWasUnknown = true }
                if case .timedOut(true) = error { outcomeWasUnknown = true }
                if case .parameter = error, case .succeeded = ending {
                    ending = Self.unfit("U+0000")
                    continue
                }
                if case .parameter = error { return .lost }
            } catch {
                // The result is none of this job's.
                guard case .succeeded = ending else { return .lost }
                ending = Self.unfit("of another job")
                continue
            }
            guard mayGoOn() else { return .lost }
            do {
                if let loop = Loop.current { try await loop.sleep(for: Self.retryPause) }
            } catch {
                return .lost
            }
        }
    }

    private func statements(
        _ ending: JobEnding, _ job: JobTicket, _ outputTail: String, _ events: [NewJobEvent]
    ) async throws -> [Command] {
        var closing = JobClosing(job: job, ending: ending, outputTail: outputTail, maxAttempts: timings.maxAttempts)
        if case .succeeded(.driftMeasured) = ending, let environment = job.environmentID {
            // Nobody else writes baselines of a site whose job is running.
            closing.baseline = try await database.first(DriftEffects.newestBaseline(of: environment)).flatMap {
                ProtectedChecksums(tables: $0.values.0, trees: $0.values.1)
            }
        }
        let progress = events.isEmpty ? [] : [JobEvents.append(job.id, term: job.term, events)]
        return try [JobFence.hold(job.id, term: job.term)] + progress + closing.commands
    }

    /// Streams look at the job; workers look for what followed it, or for the job itself.
    private func tell(_ ending: JobEnding, _ job: JobTicket) {
        switch ending {
        case .succeeded, .handedBack: signals.send([.event(job.id), .queued])
        case .failed, .retried, .cancelled: signals.send([.event(job.id)])
        }
    }

    private func wasRecorded(_ job: JobTicket) async -> Recorded {
        let status = try? await database.first(
            "SELECT status FROM jobs WHERE id = \(job.id) AND fencing_term = \(job.term)" as SQL<String>)
        return status == nil || status == JobStatus.running.rawValue ? .lost : .recorded
    }

    private static func unfit(_ why: String) -> JobEnding {
        .failed(.playbookResultInvalid, message: "the playbook's result could not be recorded (\(why))")
    }

    /// The server is going down or out of something: that passes.
    private static func isPassing(_ error: ServerError) -> Bool {
        ["53", "55", "57", "58", "08"].contains { error.state.code.hasPrefix($0) }
    }
}
