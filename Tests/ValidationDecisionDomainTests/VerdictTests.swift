import Testing

@testable import ValidationDecisionDomain

@Suite struct VerdictTests {
    @Test("reason codes stand in the order of the reference")
    func order() {
        #expect(
            ReasonCode.allCases.map(\.rawValue) == [
                "AUTH_FAILED", "PARSE_ERROR", "SCHEMA_INVALID", "INVALID_MANIFEST", "ARTIFACT_FETCH_FAILED",
                "CONFIG_HASH_MISMATCH", "SNAPSHOT_HASH_MISMATCH", "WAL_HASH_MISMATCH", "UNKNOWN_ENV",
                "UNSUPPORTED_SYNC_MODE", "TLS_DISABLED_PROD", "PUBLIC_PORT_EXPOSED", "SECRETS_REF_MISSING",
                "SECRETS_INLINE", "INTERNAL_ERROR",
            ])
        #expect(ReasonCode.allCases.sorted() == ReasonCode.allCases)
    }

    @Test("no finding is ALLOW, any finding is BLOCK")
    func decisions() {
        #expect(Verdict(Findings()).decision == .allow)
        for code in ReasonCode.allCases {
            var findings = Findings()
            findings.add(code, "somewhere")
            #expect(Verdict(findings).decision == .block)
        }
    }

    @Test("reasons are ordered and name every place of a code once")
    func ordered() {
        var findings = Findings()
        findings.add(.secretsInline, "a.password")
        findings.add(.parseError, "line 1")
        findings.add(.secretsInline, "b.token")
        let reasons = Verdict(findings).reasons
        #expect(reasons.map(\.code) == [.parseError, .secretsInline])
        #expect(reasons[1].message == "Inline secrets detected in config: a.password; b.token")
    }

    @Test("a message names a bounded number of places and counts the rest")
    func bounded() {
        var findings = Findings()
        for index in 0..<5_000 { findings.add(.secretsInline, "k\(index)") }
        let message = Verdict(findings).reasons[0].message
        #expect(message.hasSuffix("; and 4900 more"))
        #expect(message.utf8.count < 2_000)
    }

    @Test("every outcome beside the rules is a BLOCK with a reason")
    func outcomes() {
        let outcomes: [(Evaluation, ReasonCode, StatusClass)] = [
            (.unauthenticated("no token"), .authFailed, .unauthenticated),
            (.unparseableBody("no boundary", of: .multipart), .parseError, .malformedInput),
            (.unparseableBody("not UTF-8", of: .referenceManifest), .invalidManifest, .malformedInput),
            (.invalidQuery(["limit"]), .schemaInvalid, .malformedInput),
            (.unknownPath("no such path"), .schemaInvalid, .unknownPath),
            (.methodNotAllowed("POST only"), .schemaInvalid, .methodNotAllowed),
            (.internalFailure("store"), .internalError, .internalFailure),
            (.malformed(Findings()), .internalError, .internalFailure),
        ]
        for (evaluation, code, statusClass) in outcomes {
            #expect(evaluation.decision == .block)
            #expect(evaluation.codes == [code])
            #expect(evaluation.statusClass == statusClass)
            #expect(!evaluation.message(code).isEmpty)
        }
    }
}
