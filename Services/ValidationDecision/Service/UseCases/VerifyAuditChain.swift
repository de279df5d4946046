import Postgres
import ValidationDecisionDomain

/// Walks the audit log's chain from one record to another and finds the first break.
struct VerifyAuditChain: Sendable {
    struct Report: Sendable {
        let recordsChecked: Int
        /// The last record that fitted. A chain cannot show records that were cut off at its end: whoever keeps this elsewhere can.
        let head: ChainVerifier.Head
        let firstBreak: ChainVerifier.Break?
    }

    /// Records held in memory at a time.
    private static let pageSize = 1000

    let store: AuditStore

    /// - Parameters:
    ///   - first: where to begin; the record before it is believed, so that a walk can go on where an earlier one ended.
    ///   - last: where to end; nil goes to the end of the log. A log that ends before it has lost its newest records, which the
    ///     chain alone cannot show.
    func callAsFunction(from first: Int64 = 1, to last: Int64? = nil) async throws -> Report {
        try await store.database.withSession { session in
            var verifier = ChainVerifier()
            var next = first
            if first > 1 {
                guard let before = try await store.chain(from: first - 1, limit: 1, in: session).first,
                    before.sequence == first - 1
                else {
                    return Report(
                        recordsChecked: 0, head: .genesis, firstBreak: .missing(sequence: first - 1))
                }
                verifier = ChainVerifier(after: .init(sequence: before.sequence, hash: before.recordHash))
            }
            var checked = 0
            while true {
                let page = try await store.chain(from: next, limit: VerifyAuditChain.pageSize, in: session)
                for record in page {
                    if let last, record.sequence > last { break }
                    if let found = verifier.step(record, sha256: sha256) {
                        return Report(recordsChecked: checked, head: verifier.head, firstBreak: found)
                    }
                    checked += 1
                }
                let reachedLast = last.map { verifier.head.sequence >= $0 } ?? false
                if page.count < VerifyAuditChain.pageSize || reachedLast {
                    let end = verifier.head.sequence
                    return Report(
                        recordsChecked: checked, head: verifier.head,
                        firstBreak: last.flatMap { end < $0 ? .end(expected: $0, found: end) : nil })
                }
                next = verifier.head.sequence + 1
            }
        }
    }
}
