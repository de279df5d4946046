import Encoding
import ServiceKit

/// Who asked for something, as the audit log names them.
struct Actor: Sendable, Hashable {
    /// A person; nil for a program.
    let userID: UUID?
    /// A program's token; nil for a person.
    let tokenID: String?
    /// The person's e-mail or the token's client.
    let name: String

    init(_ identity: Identity) {
        userID = identity.userID
        tokenID = identity.userID == nil ? identity.credentialID : nil
        name = identity.client
    }

    /// Of a request that was let in.
    init(_ context: RequestContext) throws(Refusal) {
        guard let identity = context.identity else { throw .noSession }
        self.init(identity)
    }
}
