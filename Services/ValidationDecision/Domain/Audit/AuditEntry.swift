/// What is to be recorded of one request, before it has a place in the chain.
public struct AuditEntry: Sendable, Hashable {
    /// UUID version 4, lower case with dashes.
    public var requestID: String
    /// The client's own `X-Request-Id`.
    public var clientRequestID: String?
    /// Nil where the path belongs to none.
    public var scenario: Scenario?
    public var verdict: Verdict
    /// Microseconds since 1970-01-01 UTC.
    public var timestamp: Int64
    /// The name of the token; nil where none was known.
    public var client: String?
    /// Method and route: `POST /api/v1/validate/migration`.
    public var endpoint: String
    /// The HTTP status that was sent.
    public var status: Int
    public var policyVersion: PolicyVersion
    public var changeID: String?
    /// See `InputDigest`; nil where nothing was hashed.
    public var inputDigest: ContentDigest?

    public init(
        requestID: String, clientRequestID: String?, scenario: Scenario?, verdict: Verdict, timestamp: Int64,
        client: String?, endpoint: String, status: Int, policyVersion: PolicyVersion, changeID: String?,
        inputDigest: ContentDigest?
    ) {
        self.requestID = requestID
        self.clientRequestID = clientRequestID
        self.scenario = scenario
        self.verdict = verdict
        self.timestamp = timestamp
        self.client = client
        self.endpoint = endpoint
        self.status = status
        self.policyVersion = policyVersion
        self.changeID = changeID
        self.inputDigest = inputDigest
    }
}
