import EventLoop
import Postgres
import ServiceKit

/// Removes what uploads leave behind: temporary files of killed processes, and capabilities that came to nothing. Any number
/// of instances may do it at once.
struct UploadCleaner: Sendable {
    static let interval = Duration.seconds(60)
    /// How long after its end an unused capability is still there to be looked at.
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
        do throws(DatabaseError) {
            let removed = try await CapabilityStore.purge(olderThan: Self.capabilityKept, on: database)
            if removed > 0 { logger.info("expired capabilities removed", .number("rows", removed)) }
        } catch {
            logger.debug("expired capabilities not purged", .error(error))
        }
    }
}
