import Crypto
import Encoding
import Postgres
import ServiceKit

/// Makes a node known: its key goes to the secret store, its row says that it is to be provisioned. Of the command line: the
/// secret store blocks.
struct RegisterNode: Sendable {
    let database: Database
    let secrets: SecretStore

    /// - Parameters:
    ///   - key: private key of ssh.
    ///   - knownHosts: lines of known_hosts; nil to take the keys that the node shows first.
    /// - Returns: the node's id.
    func callAsFunction(_ draft: NodeDraft, key: [UInt8], knownHosts: [UInt8]?) async throws -> UUID {
        let id = UUID.random()
        try secrets.write(.nodeKey(id), key)
        if let knownHosts { try PrivateFile.replace(try secrets.knownHosts(node: id), with: knownHosts) }
        do throws(DatabaseError) {
            try await database.execute(
                """
                INSERT INTO nodes (id, name, hostname, public_ip, ssh_port, ssh_user, is_local)
                VALUES (\(id), \(draft.name), \(draft.host), \(draft.publicIP)::text::inet, \(draft.port), \(draft.user),
                        \(draft.isLocal))
                """)
        } catch {
            // Without its row nobody would ever look for the key; where the row may be there all the same, it stays.
            if error.server != nil {
                _ = try? secrets.remove(.nodeKey(id))
                _ = try? PrivateFile.remove(try secrets.knownHosts(node: id))
            }
            throw Self.failure(error, draft)
        }
        return id
    }

    private static func failure(_ error: DatabaseError, _ draft: NodeDraft) -> any Error {
        switch error.uniqueViolation {
        case "nodes_name_key": CommandFailure("there is a node \(draft.name) already")
        case "nodes_endpoint": CommandFailure("there is a node at \(draft.host), port \(draft.port) already")
        case "nodes_one_local": CommandFailure("there is a local node already")
        default: error
        }
    }
}
