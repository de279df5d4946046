import Encoding
import HTTP
import ValidationDecisionDomain

/// The query of `GET /api/v1/audit/logs`, read strictly: an unknown name or a value out of range is refused, and all problems are told at once.
struct AuditQuery: Hashable, Sendable {
    static let limitRange = 1...1000
    static let limitDefault = 100
    static let names = ["limit", "decision", "scenario", "before", "since", "until", "reason", "request_id", "client"]

    var filter = AuditFilter()
    var limit = AuditQuery.limitDefault

    init(_ request: Request) throws(QueryProblems) {
        let parameters: QueryParameters
        do throws(QueryError) {
            parameters = try request.query
        } catch {
            throw QueryProblems(lines: ["the query is malformed"])
        }
        var problems: [String] = []
        func value<Value>(_ name: String, _ expected: String, _ parse: (String) -> Value?) -> Value? {
            let given = parameters.values(name)
            guard let text = given.first else { return nil }
            guard given.count == 1 else {
                problems.append("\(name) occurs more than once")
                return nil
            }
            guard let value = parse(text) else {
                problems.append("\(name) must be \(expected)")
                return nil
            }
            return value
        }
        limit = value("limit", "a whole number from 1 to 1000") { text in
            AuditQuery.number(text).flatMap { Int(exactly: $0) }.flatMap { AuditQuery.limitRange.contains($0) ? $0 : nil }
        } ?? AuditQuery.limitDefault
        filter.decision = value("decision", "ALLOW or BLOCK", Decision.init(rawValue:))
        filter.scenario = value("scenario", "T1 or T2", Scenario.init(rawValue:))
        filter.before = value("before", "a sequence number", AuditQuery.number)
        filter.since = value("since", "an RFC 3339 time", AuditQuery.time)
        filter.until = value("until", "an RFC 3339 time", AuditQuery.time)
        filter.reason = value("reason", "a reason code", ReasonCode.init(rawValue:))
        filter.requestID = value("request_id", "a UUID") { UUID($0) }
        filter.client = value("client", "a client's name") { $0.isEmpty || $0.utf8.count > 256 || $0.utf8.contains(0) ? nil : $0 }
        if parameters.firstUnknown(besides: Set(AuditQuery.names)) != nil {
            problems.append("only these parameters are known: " + AuditQuery.names.joined(separator: ", "))
        }
        if !problems.isEmpty { throw QueryProblems(lines: problems) }
    }

    /// A client that does not escape the `+` of an offset sends a blank there.
    private static func time(_ text: String) -> Timestamp? {
        Timestamp(text) ?? Timestamp(String(text.map { $0 == " " ? "+" : $0 }))
    }

    /// Digits only, so that `+5` and ` 5` are refused like any other text.
    private static func number(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(text)
    }

    /// The query for the records before `sequence`, otherwise the same.
    func text(before sequence: Int64) -> String {
        var parts = ["before=\(sequence)", "limit=\(limit)"]
        func add(_ name: String, _ value: String?) {
            if let value { parts.append("\(name)=\(PercentCoding.encode(value))") }
        }
        add("decision", filter.decision?.rawValue)
        add("scenario", filter.scenario?.rawValue)
        add("since", filter.since?.description)
        add("until", filter.until?.description)
        add("reason", filter.reason?.rawValue)
        add("request_id", filter.requestID?.description)
        add("client", filter.client)
        return parts.joined(separator: "&")
    }
}
