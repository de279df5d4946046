import EventLoop
import Postgres
import ServiceKit

/// Removes what uploads leave behind: temporary files of killed processes, capabilities that came to nothing, and the artifacts
/// that were sent with them. Any number of instances may do it at once.
struct UploadCleaner: Sendable {
    static let interval = Duration.seconds(60)
    /// How long after its end an unused capability, and what was sent with it, is still there.
    static let capabilityKept = Duration.seconds(7 * 86_400)

    let database: Database
    let uploads: UploadDesk?
    let logger: Logger

    /// Until cancelled.
    func run() async throws {
        while !Task.isCancelled {
            await sweep()
            await purge()
            try await Loop.current?.sleep(for: Self.interval)
        }
    }

    private func sweep() async {
        guard case .signedLinks(let vault, _, _)? = uploads?.way else { return }
        do throws(VaultError) {
            let removed = try await vault.sweep()
            if removed > 0 { logger.info("temporary files removed", .number("files", removed)) }
        } catch {
            if case .unavailable(let reason) = error { logger.warn("temporary files not swept", .text("cause", reason)) }
        }
    }

    private func purge() async {
        do {
            let removed = try await purge(olderThan: Self.capabilityKept)
            if removed > 0 { logger.info("expired capabilities removed", .number("rows", removed)) }
        } catch {
            if !Task.isCancelled { logger.warn("expired capabilities were not removed", .error(error)) }
        }
    }

    /// Artifacts first: killed in between, it is done again.
    /// - Returns: how many capabilities are forgotten.
    func purge(olderThan age: Duration) async throws -> Int {
        var removed = 0
        if let vault = uploads?.vault {
            for reference in try await CapabilityStore.abandoned(for: age, on: database) {
                // One of another store that was configured before is only forgotten.
                let path = vault.path(of: reference)
                removed += try await database.withLockIfFree(CapabilityStore.lock(of: reference)) { session in
                    // Looked at again: since then it may have been asked for anew.
                    guard try await !CapabilityStore.abandoned(for: age, reference: reference, on: session).isEmpty else { return 0 }
                    if let path { try await vault.remove(path) }
                    return try await CapabilityStore.purge(olderThan: age, reference: reference, on: session)
                } ?? 0
            }
        }
        return try await removed + CapabilityStore.purge(olderThan: age, reference: nil, on: database)
    }
}
