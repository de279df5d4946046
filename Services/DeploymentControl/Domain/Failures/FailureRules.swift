/// The table that turns a failed stage's evidence into a cause (reference 7.6, rules 1 to 19): structured fields first, words last.
public enum FailureRules {
    /// The first rule that applies decides.
    public static func cause(of stage: StageReport) -> FailureCause {
        for code in stage.errorCodes {
            if let cause = codes[code.lowercased()] { return cause }  // 1 to 6
        }
        if stage.type.lowercased() == "manualjudgment", stage.judgment?.lowercased() == "stop" { return .approvalRefused }  // 7
        for status in stage.httpStatuses {
            if let cause = cause(ofHTTP: status) { return cause }  // 8 to 10
        }
        if stage.exceptionKind?.uppercased() == "NETWORK" { return .deliveryUnreachable }  // 11
        let health = healthCause(of: stage)
        if health == nil, stage.exceptionType?.lowercased().contains("timeout") == true { return .tookTooLong }  // 11
        if let health { return health }  // 12
        if !stage.expressionErrors.isEmpty { return .misconfigured }  // 13
        return cause(inWordsOf: stage.texts)  // 13 to 19
    }

    /// Rules 13 to 19: the words of human texts, the engine's own phrases and addresses taken out first.
    public static func cause(inWordsOf texts: [String]) -> FailureCause {
        let text = texts.prefix(20).map(EngineText.withoutBoilerplate).joined(separator: "\n").lowercased()
        if text.contains("required parameter") || namesUnknownAccount(text) { return .misconfigured }
        return words.first { $0.words.contains { text.contains($0) } }?.cause ?? .unknown
    }

    /// Codes of the runtime controller, exactly.
    static let codes: [String: FailureCause] = [
        "missing_service": .serviceUnknown, "unknown_service": .serviceUnknown,
        "artifact_bucket_mismatch": .buildLocation,
        "no_previous_artifact": .nothingToRestore, "invalid_previous_artifact": .nothingToRestore,
        "unauthorized": .accessRefused,
        "method_not_allowed": .misconfigured,
        "not_found": .deliveryUnreachable,
    ]

    /// In this order.
    static let words: [(words: [String], cause: FailureCause)] = [
        (["timed out", "timeout"], .tookTooLong),
        (["connection", "unavailable", "unknown host", "unknownhost", "internal error"], .deliveryUnreachable),
        (["checksum"], .buildDamaged),
        (["no such key", "nosuchkey"], .buildMissing),
        (["artifact"], .buildNotFetched),
        (["access denied", "accessdenied", "forbidden", "not allowed", "permission"], .accessRefused),
        (["configuration", "parameter", "not found"], .misconfigured),
    ]

    private static func cause(ofHTTP status: Int) -> FailureCause? {
        switch status {
        case 401, 403: .accessRefused
        case 400, 404, 405, 409, 422: .misconfigured
        case 408, 429, 500...599: .deliveryUnreachable
        default: nil
        }
    }

    private static func healthCause(of stage: StageReport) -> FailureCause? {
        if stage.failedTasks.contains(where: { $0 == "waitForUpInstances" || $0 == "waitForManifestToStabilize" }) {
            return .neverHealthy
        }
        return ["runjob", "script", "canary", "kayentacanary"].contains(stage.type.lowercased()) ? .checkFailed : nil
    }

    private static func namesUnknownAccount(_ text: String) -> Bool {
        (text.contains("account") || text.contains("credentials"))
            && ["unknown", "not found", "could not find", "does not exist", "no such"].contains { text.contains($0) }
    }
}
