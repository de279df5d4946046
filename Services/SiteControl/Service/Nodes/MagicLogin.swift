import Encoding

/// POST /api/environments/{id}/magic-login: the only question that is put to a node beside the queue.
///
/// It leaves nothing lasting, is one command in one round trip, ends within seconds, and is safe beside a running job.
protocol MagicLogin: Sendable {
    /// - Throws: `Refusal.notFound`, `.environmentNotActive`, `.nodeUnreachable`, `.wpCLI`. Each request is audited.
    func callAsFunction(_ environment: UUID, by actor: Actor) async throws -> MagicLoginLink
}

/// Lets whoever has it in, once. A secret: not logged, not stored.
struct MagicLoginLink: Sendable {
    let url: String
    let expiresAt: Timestamp
}
