public import Encoding

/// Who sends a request.
public struct Identity: Sendable, Hashable {
    /// The name that limits, quotas, idempotency keys and audit records belong to.
    public let client: String
    /// A role's raw value.
    public let role: String
    /// Names the credential in logs; not secret. Empty where there is none.
    public let credentialID: String
    /// The person behind the request; nil where a program sent it.
    public let userID: UUID?

    public init(client: String, role: String, credentialID: String = "", userID: UUID? = nil) {
        self.client = client
        self.role = role
        self.credentialID = credentialID
        self.userID = userID
    }
}

/// The roles of a service and what each may do: an enum over strings.
public protocol ServiceRole: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    associatedtype Permission: Hashable, Sendable

    var permissions: Set<Permission> { get }
}
