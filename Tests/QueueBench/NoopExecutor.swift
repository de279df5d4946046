import SiteControl
import SiteControlDomain

/// Does nothing, successfully.
struct NoopExecutor: JobExecutor {
    let seen: @Sendable (Attempt) -> Void

    func run(_ attempt: Attempt, progress: any AttemptProgress) async -> AttemptReport {
        seen(attempt)
        return AttemptReport(outcome: .succeeded(.cachesPurged(pageCacheEntries: 0, objectCacheKeys: 0)), outputTail: "")
    }
}
