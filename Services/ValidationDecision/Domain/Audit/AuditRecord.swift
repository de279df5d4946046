/// One link of the audit chain, as stored.
///
/// Values are kept as the text that was stored rather than as enums, so that a record altered to something this code
/// does not know still loads and is reported as a break.
///
/// # Canonical form
///
/// `content_digest` is SHA-256 over these fields in this order: `request_id`, `client_request_id`, `scenario`,
/// `decision`, `reasons`, `timestamp`, `client`, `endpoint`, `status`, `policy_version`, `change_id`, `input_digest`.
/// Each field is its length in bytes (4 bytes, big-endian) followed by its UTF-8 bytes; a NULL is the length 0xFFFFFFFF
/// and no bytes. Integers are decimal text, the timestamp is decimal microseconds since 1970-01-01 UTC, reasons are
/// codes joined by `,`, hashes are lower-case hexadecimal, a UUID is lower case with dashes.
///
/// `record_hash` is SHA-256 over the sequence (8 bytes, big-endian), the 32 bytes of `previous_hash` and the 32 bytes
/// of `content_digest`. The first record has sequence 1 and a `previous_hash` of zeros. The service digests the
/// content; PostgreSQL numbers and chains.
public struct AuditRecord: Sendable, Hashable {
    /// Place in the chain, from 1, without gaps.
    public var sequence: Int64
    public var requestID: String
    public var clientRequestID: String?
    public var scenario: String?
    public var decision: String
    /// Codes in their order.
    public var reasons: [String]
    /// Microseconds since 1970-01-01 UTC.
    public var timestamp: Int64
    public var client: String?
    public var endpoint: String
    public var status: Int
    public var policyVersion: String
    public var changeID: String?
    public var inputDigest: String?
    public var contentDigest: String
    public var previousHash: String
    public var recordHash: String

    /// `previous_hash` of the first record.
    public static let genesisHash = String(repeating: "0", count: 64)

    /// A record as read from the store.
    public init(
        sequence: Int64, requestID: String, clientRequestID: String?, scenario: String?, decision: String,
        reasons: [String], timestamp: Int64, client: String?, endpoint: String, status: Int, policyVersion: String,
        changeID: String?, inputDigest: String?, contentDigest: String, previousHash: String, recordHash: String
    ) {
        self.sequence = sequence
        self.requestID = requestID
        self.clientRequestID = clientRequestID
        self.scenario = scenario
        self.decision = decision
        self.reasons = reasons
        self.timestamp = timestamp
        self.client = client
        self.endpoint = endpoint
        self.status = status
        self.policyVersion = policyVersion
        self.changeID = changeID
        self.inputDigest = inputDigest
        self.contentDigest = contentDigest
        self.previousHash = previousHash
        self.recordHash = recordHash
    }

    /// `entry` as the link after the record whose hash is `previousHash`.
    public init(_ entry: AuditEntry, sequence: Int64, previousHash: String, sha256: ([UInt8]) -> [UInt8]) {
        self.init(unplaced: entry)
        self.sequence = sequence
        self.previousHash = previousHash
        contentDigest = lowerHex(sha256(canonicalContent))
        recordHash = lowerHex(sha256(canonicalPlace))
    }

    /// The content of `entry`, without a place in the chain.
    init(unplaced entry: AuditEntry) {
        self.init(
            sequence: 0, requestID: entry.requestID, clientRequestID: entry.clientRequestID,
            scenario: entry.scenario?.rawValue, decision: entry.verdict.decision.rawValue,
            reasons: entry.verdict.codes.map(\.rawValue), timestamp: entry.timestamp, client: entry.client,
            endpoint: entry.endpoint, status: entry.status, policyVersion: entry.policyVersion.rawValue,
            changeID: entry.changeID, inputDigest: entry.inputDigest?.hex, contentDigest: "",
            previousHash: AuditRecord.genesisHash, recordHash: "")
    }

    /// What `contentDigest` is computed over.
    public var canonicalContent: [UInt8] {
        var bytes = CanonicalBytes(capacity: 384)
        bytes.append(requestID)
        bytes.append(clientRequestID)
        bytes.append(scenario)
        bytes.append(decision)
        bytes.append(reasons.joined(separator: ","))
        bytes.append(String(timestamp))
        bytes.append(client)
        bytes.append(endpoint)
        bytes.append(String(status))
        bytes.append(policyVersion)
        bytes.append(changeID)
        bytes.append(inputDigest)
        return bytes.bytes
    }

    /// What `recordHash` is computed over. A stored hash that is no hash gives bytes that fit no record.
    public var canonicalPlace: [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: sequence.bigEndian) { bytes.append(contentsOf: $0) }
        return bytes + (hexBytes(previousHash) ?? []) + (hexBytes(contentDigest) ?? [])
    }
}
