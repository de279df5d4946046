extension AuditEntry {
    /// The bytes whose SHA-256 is the record's content digest: `request_id`, `client_request_id`, `scenario`, `decision`, `reasons`,
    /// `timestamp`, `client`, `endpoint`, `status`, `policy_version`, `change_id`, `input_digest`, each in the field form of
    /// ``AuditRecord``.
    public var canonicalBytes: [UInt8] {
        var bytes = CanonicalBytes(capacity: 384)
        bytes.append(requestID)
        bytes.append(clientRequestID)
        bytes.append(scenario?.rawValue)
        bytes.append(verdict.decision.rawValue)
        bytes.append(verdict.codes.map(\.rawValue).joined(separator: ","))
        bytes.append(String(timestamp))
        bytes.append(client)
        bytes.append(endpoint)
        bytes.append(String(status))
        bytes.append(policyVersion.rawValue)
        bytes.append(changeID)
        bytes.append(inputDigest?.hex)
        return bytes.bytes
    }
}
