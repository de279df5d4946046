extension AuditEntry {
    /// The bytes whose SHA-256 is the record's content digest, as ``AuditRecord`` describes them.
    public var canonicalBytes: [UInt8] { AuditRecord(unplaced: self).canonicalContent }
}
