/// Where a backup lies in the object store: known before it exists.
public struct BackupPath: Hashable, Sendable {
    public let text: String

    /// - Parameters:
    ///   - prefix: without slashes at its ends; may be empty.
    ///   - environmentID: lower case.
    ///   - backupID: lower case.
    public init(bucket: String, prefix: String, environmentID: String, backupID: String) {
        let folder = prefix.isEmpty ? "" : prefix + "/"
        text = "s3://\(bucket)/\(folder)\(environmentID)/\(backupID).tar.gz"
    }
}
