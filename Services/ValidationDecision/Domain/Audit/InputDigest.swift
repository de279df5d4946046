/// One SHA-256 that stands for all artifacts of a request, for finding the same input again in the audit log.
///
/// Hashed are, for each artifact in a fixed order, its name and its hash in lower-case hexadecimal, in the field form
/// of `AuditRecord` (4-byte big-endian length and UTF-8 bytes; an artifact that was not hashed is a NULL). The order:
///
/// - T1: `migration_manifest`, `app_config`
/// - T2 upload: `replication_manifest`, `snapshot`, then every WAL file as `wal_files/NAME` in byte order of the names
/// - T2 reference: `reference_manifest`, `snapshot`, `wal`
public enum InputDigest {
    /// Nil where nothing was hashed.
    public static func migration(
        manifest: ContentDigest?, config: ContentDigest?, sha256: ([UInt8]) -> [UInt8]
    ) -> ContentDigest? {
        compose([("migration_manifest", manifest), ("app_config", config)], sha256)
    }

    /// Nil where nothing was hashed.
    public static func replication(
        manifest: ContentDigest?, snapshot: ContentDigest?, walFiles: [ReplicationInput.WALFile],
        sha256: ([UInt8]) -> [UInt8]
    ) -> ContentDigest? {
        let files = walFiles.sorted { left, right in
            let (a, b) = (left.name.utf8, right.name.utf8)
            return a.elementsEqual(b) ? left.digest.hex < right.digest.hex : a.lexicographicallyPrecedes(b)
        }
        let parts = [("replication_manifest", manifest), ("snapshot", snapshot)]
        return compose(parts + files.map { ("wal_files/" + $0.name, $0.digest) }, sha256)
    }

    /// Nil where nothing was hashed.
    public static func reference(
        manifest: ContentDigest?, snapshot: ContentDigest?, wal: ContentDigest?, sha256: ([UInt8]) -> [UInt8]
    ) -> ContentDigest? {
        compose([("reference_manifest", manifest), ("snapshot", snapshot), ("wal", wal)], sha256)
    }

    private static func compose(
        _ parts: [(name: String, digest: ContentDigest?)], _ sha256: ([UInt8]) -> [UInt8]
    ) -> ContentDigest? {
        guard parts.contains(where: { $0.digest != nil }) else { return nil }
        var bytes = CanonicalBytes(capacity: parts.count * 96)
        for part in parts {
            bytes.append(part.name)
            bytes.append(part.digest?.hex)
        }
        return ContentDigest(bytes: sha256(bytes.bytes))
    }
}
