import Postgres
import Testing

/// What clients were told, held against the audit log as PostgreSQL has it.
struct LogComparison {
    private struct Row: PostgresRow {
        let sequence: Int64
        let requestID: String
        let decision: String
        let reasons: [String]
        let status: Int32

        init(_ row: inout RowReader) throws(RowError) {
            sequence = try row.next()
            requestID = try row.next()
            decision = try row.next()
            reasons = try row.next()
            status = try row.next()
        }
    }

    private(set) var records = 0
    /// Records of requests that nobody was told about.
    private(set) var untold = 0
    /// Failures that are recorded as such.
    private(set) var recordedFailures = 0
    /// Failures whose record says what had been decided: the store had committed, but its word did not arrive.
    private(set) var overtaken = 0
    /// What must not be, in words.
    private(set) var problems: [String] = []

    init(_ told: [Told], _ database: Database) async throws {
        let rows = try await database.query(
            "SELECT sequence, request_id::text, decision, reasons, status FROM validation_audit ORDER BY sequence"
                as SQL<Row>)
        records = rows.count
        for (index, row) in rows.enumerated() where row.sequence != Int64(index) + 1 {
            problems.append("sequence \(row.sequence) stands in place \(index + 1)")
            break
        }
        let byID = Dictionary(grouping: rows, by: \.requestID)
        var seen: Set<String> = []
        for answer in told {
            if !seen.insert(answer.requestID).inserted { problems.append("\(answer.requestID) was given out twice") }
            let found = byID[answer.requestID] ?? []
            if answer.isFailure {
                if found.count > 1 { problems.append("\(answer) has \(found.count) records") }
                if let row = found.first {
                    if row.status == 500, row.decision == "BLOCK" { recordedFailures += 1 } else { overtaken += 1 }
                }
                continue
            }
            guard found.count == 1, let row = found.first else {
                problems.append("\(answer) has \(found.count) records")
                continue
            }
            if row.decision != answer.decision || row.reasons != answer.reasons || Int(row.status) != answer.status {
                problems.append("\(answer) is recorded as \(row.decision) \(row.reasons) \(row.status)")
            }
        }
        untold = rows.count { !seen.contains($0.requestID) }
    }
}
