import Encoding

/// What a secret is for. Its text is its path below the secrets' directory, and part of what its tag is made over: a file that is
/// moved to another name does not open.
enum SecretName: Hashable, Sendable {
    /// The private key that opens a node, as `ssh` reads it.
    case nodeKey(UUID)
    case databasePassword(environment: UUID)
    case redisPassword(environment: UUID)
    /// The credentials of the DNS provider, as its certbot plugin reads them.
    case dnsCredentials
    /// The private key that fetches sources over git; where there is none, only public sources can be fetched.
    case gitKey
    /// Under which tokens of sessions are digested.
    case sessionKey

    var path: String {
        switch self {
        case .nodeKey(let id): "node/\(id)/ssh_key"
        case .databasePassword(let id): "environment/\(id)/database_password"
        case .redisPassword(let id): "environment/\(id)/redis_password"
        case .dnsCredentials: "setting/dns01_credentials_json"
        case .gitKey: "setting/git_ssh_key"
        case .sessionKey: "setting/session_key"
        }
    }
}
