/// What became of one request. ALLOW only ever comes with `judged`.
public struct Evaluation: Sendable, Hashable {
    public let verdict: Verdict
    public let statusClass: StatusClass

    public var decision: Decision { verdict.decision }

    /// Made by the policies: the rules ran to their end.
    static func judged(_ findings: Findings) -> Evaluation {
        Evaluation(verdict: Verdict(findings), statusClass: .judged)
    }

    /// Made by the policies from at least one malformed-input finding. An empty list would be a BLOCK without a
    /// reason, so it is reported as a failure of ours.
    static func malformed(_ findings: Findings) -> Evaluation {
        guard !findings.isEmpty else { return .internalFailure("the input was refused without a finding") }
        return Evaluation(verdict: Verdict(findings), statusClass: .malformedInput)
    }

    /// No token, a malformed one, or one that is not known.
    public static func unauthenticated(_ detail: String) -> Evaluation {
        block(.authFailed, detail, .unauthenticated)
    }

    /// The body as a whole could not be taken apart (multipart, size, encoding): no artifact can be judged.
    public static func unparseableBody(_ detail: String, of endpoint: BodyKind) -> Evaluation {
        block(endpoint == .referenceManifest ? .invalidManifest : .parseError, detail, .malformedInput)
    }

    /// A query parameter outside its range.
    public static func invalidQuery(_ details: [String]) -> Evaluation {
        block(.schemaInvalid, details.joined(separator: "; "), .malformedInput)
    }

    public static func unknownPath(_ detail: String) -> Evaluation { block(.schemaInvalid, detail, .unknownPath) }

    public static func methodNotAllowed(_ detail: String) -> Evaluation {
        block(.schemaInvalid, detail, .methodNotAllowed)
    }

    /// Also the answer when the audit store cannot be written. `detail` leaves the process: no SQL, path or secret.
    public static func internalFailure(_ detail: String) -> Evaluation {
        block(.internalError, detail, .internalFailure)
    }

    private static func block(_ code: ReasonCode, _ detail: String, _ statusClass: StatusClass) -> Evaluation {
        let message = detail.isEmpty ? code.summary : code.summary + ": " + detail
        return Evaluation(verdict: .block(Reason(code, message)), statusClass: statusClass)
    }

    private init(verdict: Verdict, statusClass: StatusClass) {
        self.verdict = verdict
        self.statusClass = statusClass
    }
}

/// What a request body is supposed to hold; decides the code of an unparseable one.
public enum BodyKind: Sendable, Hashable {
    case multipart
    case referenceManifest
}
