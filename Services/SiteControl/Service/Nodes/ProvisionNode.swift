import Crypto
import Encoding
import Postgres
import SiteControlDomain

/// Queues the job that brings a node to its prescribed state. Safe any number of times, one at a time.
struct ProvisionNode: Sendable {
    let database: Database
    let maxAttempts: Int

    /// - Parameter actor: nil for the command line, behind which no user stands.
    /// - Returns: the job.
    func callAsFunction(_ node: UUID, by actor: Actor?) async throws -> UUID {
        let job = UUID.random()
        do {
            try await database.transaction { transaction in
                guard let found = try await transaction.first(Self.lock(node)) else { throw Refusal.notFound("node") }
                if found.values == .decommissioned { throw Refusal.conflict(.nodeNotActive) }
                var commands = [insert(job, node), JobEventSQL.first(of: job), JobEventSQL.wakeWorkers]
                if let actor {
                    commands.append(
                        AuditLog.append(
                            .random(), actor, .job(.nodeProvision), .node, node.description, .accepted, job: job))
                }
                _ = try await transaction.group(commands)
            }
        } catch let error as DatabaseError where error.uniqueViolation == "jobs_one_open_provision" {
            throw Refusal.conflict(.nodeBusy)
        }
        return job
    }

    private static func lock(_ node: UUID) -> SQL<Columns<NodeStatus>> {
        "SELECT status FROM nodes WHERE id = \(node) FOR SHARE"
    }

    private func insert(_ job: UUID, _ node: UUID) -> Command {
        """
        INSERT INTO jobs (id, job_type, node_id, max_attempts, event_seq)
        VALUES (\(job), 'node_provision', \(node), \(maxAttempts), 1)
        """
    }
}
