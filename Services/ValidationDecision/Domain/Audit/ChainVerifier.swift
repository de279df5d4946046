/// Walks the audit chain record by record, oldest first, and remembers the first break.
///
/// A walk cannot see records cut off at the end: compare `head` with where the store says the chain ends.
public struct ChainVerifier: Sendable, Hashable {
    /// Where a chain ends: the last record's sequence and hash.
    public struct Head: Sendable, Hashable {
        public let sequence: Int64
        public let hash: String

        public init(sequence: Int64, hash: String) {
            self.sequence = sequence
            self.hash = hash
        }

        /// Before the first record.
        public static let genesis = Head(sequence: 0, hash: AuditRecord.genesisHash)
    }

    /// What the first record that does not fit has wrong.
    public enum Break: Error, Sendable, Hashable {
        /// Records are missing, repeated or out of order.
        case sequence(expected: Int64, found: Int64)
        /// There is no such record.
        case missing(sequence: Int64)
        /// The log ends before a record that is known to have been there: the newest ones were cut off.
        case end(expected: Int64, found: Int64)
        /// The record does not name the hash of the one before it.
        case previousHash(sequence: Int64, expected: String, found: String)
        /// The record's content is not what was digested.
        case content(sequence: Int64, expected: String, found: String)
        /// The record's place and content digest do not give its hash.
        case recordHash(sequence: Int64, expected: String, found: String)
    }

    /// The last record that fitted.
    public private(set) var head: Head
    public private(set) var firstBreak: Break?

    /// - Parameter head: the record before the first one to be stepped over; its own content is taken as right.
    public init(after head: Head = .genesis) { self.head = head }

    /// Checks the next record. After a break nothing more is checked and the same break is returned.
    @discardableResult
    public mutating func step(_ record: AuditRecord, sha256: ([UInt8]) -> [UInt8]) -> Break? {
        if firstBreak != nil { return firstBreak }
        firstBreak = check(record, sha256)
        if firstBreak == nil { head = Head(sequence: record.sequence, hash: record.recordHash) }
        return firstBreak
    }

    private func check(_ record: AuditRecord, _ sha256: ([UInt8]) -> [UInt8]) -> Break? {
        let (expected, overflow) = head.sequence.addingReportingOverflow(1)
        guard !overflow, record.sequence == expected else {
            return .sequence(expected: expected, found: record.sequence)
        }
        guard sameBytes(record.previousHash, head.hash) else {
            return .previousHash(sequence: record.sequence, expected: head.hash, found: record.previousHash)
        }
        let content = lowerHex(sha256(record.canonicalContent))
        // Joined by commas, ["A,B"] and ["A", "B"] or [""] and [] give the same bytes; no code holds a comma or is empty.
        let areReasonsCodes = record.reasons.allSatisfy { !$0.isEmpty && !$0.utf8.contains(UInt8(ascii: ",")) }
        guard areReasonsCodes, sameBytes(record.contentDigest, content) else {
            return .content(sequence: record.sequence, expected: content, found: record.contentDigest)
        }
        let computed = lowerHex(sha256(record.canonicalPlace))
        guard sameBytes(record.recordHash, computed) else {
            return .recordHash(sequence: record.sequence, expected: computed, found: record.recordHash)
        }
        return nil
    }
}

extension ChainVerifier.Break: CustomStringConvertible {
    public var description: String {
        switch self {
        case .sequence(let expected, let found): "sequence \(expected) expected, \(found) found"
        case .missing(let sequence): "record \(sequence) is missing"
        case .end(let expected, let found): "the log ends with record \(found), before \(expected)"
        case .previousHash(let sequence, let expected, let found):
            "record \(sequence): previous_hash is \(found), but the record before it has \(expected)"
        case .content(let sequence, let expected, let found):
            "record \(sequence): content_digest is \(found), but its content gives \(expected)"
        case .recordHash(let sequence, let expected, let found):
            "record \(sequence): record_hash is \(found), but its place and content give \(expected)"
        }
    }
}
