import Encoding
import SiteControlDomain

/// Reads the result file of a playbook: one JSON object in the form of its job type (reference 6.10). Members it does not know
/// are ignored; a missing or mistyped one makes the whole result invalid.
struct ResultReader {
    /// What is wrong, with the member's path. Holds no values.
    struct Invalid: Error, Hashable, CustomStringConvertible {
        let description: String
    }

    private let root: JSONObject

    /// - Parameter expectsSnapshot: a backup was planned, so the result must tell of it.
    static func read(_ bytes: [UInt8], of type: JobType, expectsSnapshot: Bool) throws(Invalid) -> JobResult {
        let value: JSONValue
        do {
            value = try JSONReader.parse(bytes, limits: JSONLimits(bytesMax: RunnerLimits.resultBytesMax, depthMax: 8))
        } catch {
            throw Invalid(description: "it is not JSON: \(error.kind.rawValue) at line \(error.line)")
        }
        guard let object = value.object else { throw Invalid(description: "it is \(value.typeName), not an object") }
        return try ResultReader(root: object).result(of: type, expectsSnapshot: expectsSnapshot)
    }

    private func result(of type: JobType, expectsSnapshot: Bool) throws(Invalid) -> JobResult {
        switch type {
        case .nodeProvision:
            return .nodeProvisioned(publicIP: try publicIP(), versions: try versions())
        case .siteCreate:
            return .siteCreated(releasePath: try releasePath(), wordPressVersion: try text("wordpress_version"))
        case .siteImport:
            return .siteImported(
                try changedRelease(expectsSnapshot), sourceURL: try text("source_url"), targetURL: try text("target_url"))
        case .environmentCreate:
            return .environmentCreated(releasePath: try releasePath(), baseline: try baseline())
        case .environmentDeploy:
            return .deployed(ChangedRelease(path: try releasePath(), preChangeDump: try preChangeDump()))
        case .environmentUpdate:
            return .updated(try changedRelease(expectsSnapshot), updated: try texts("updated"))
        case .environmentRestore:
            return .restored(try changedRelease(expectsSnapshot))
        case .environmentPromote:
            return .promoted(
                ChangedRelease(path: try releasePath(), preChangeDump: try preChangeDump()), baseline: try baseline())
        case .cacheToggle:
            return .cachesSet(
                CacheFlags(fastCGI: try flag("fastcgi_cache_enabled"), redis: try flag("redis_cache_enabled")))
        case .cachePurge:
            return .cachesPurged(
                pageCacheEntries: try count("page_cache_entries"), objectCacheKeys: try count("object_cache_keys"))
        case .backupCreate:
            return .backedUp(try storedObject(root, at: ""))
        case .domainAdd:
            let time = try text("certificate_expires_at")
            guard Timestamp(time) != nil else { throw wrong("certificate_expires_at", "is no time of RFC 3339") }
            return .domainAdded(certificateExpiresAt: time, rewritten: try flag("rewritten"))
        case .domainRemove:
            return .domainRemoved(rewritten: try flag("rewritten"))
        case .driftCheck:
            return .driftMeasured(try checksums(root, at: ""))
        case .healthCheck:
            let checks = try object("checks")
            return .healthChecked(
                HealthVerdict(
                    isHealthy: try flag("healthy"), http: try flag("http", in: checks, at: "checks."),
                    wpCLI: try flag("wp_cli", in: checks, at: "checks."),
                    database: try flag("database", in: checks, at: "checks.")))
        case .backupCleanup:
            return .cleanedUp(deleted: try ids("deleted"), missing: try ids("missing"))
        case .releaseRollback:
            return .rolledBack(releasePath: try releasePath())
        }
    }

    // MARK: Forms

    private func releasePath() throws(Invalid) -> String {
        let path = try text("release_path")
        guard path.hasPrefix("/") else { throw wrong("release_path", "is not absolute") }
        return path
    }

    private func changedRelease(_ expectsSnapshot: Bool) throws(Invalid) -> ChangedRelease {
        ChangedRelease(path: try releasePath(), snapshot: try snapshot(expectsSnapshot), preChangeDump: try preChangeDump())
    }

    private func snapshot(_ isExpected: Bool) throws(Invalid) -> StoredObject? {
        guard let value = root["snapshot"] else { throw wrong("snapshot", "is missing") }
        if value.isNull {
            guard !isExpected else { throw wrong("snapshot", "is null, but a backup was planned") }
            return nil
        }
        guard let object = value.object else { throw wrong("snapshot", "is \(value.typeName)") }
        return try storedObject(object, at: "snapshot.")
    }

    private func storedObject(_ object: JSONObject, at path: String) throws(Invalid) -> StoredObject {
        let checksum = try text("checksum", in: object, at: path)
        guard let size = object["size_bytes"]?.number?.int64 else { throw wrong(path + "size_bytes", "is no integer") }
        guard let stored = StoredObject(checksum: checksum, sizeBytes: size) else {
            throw wrong(path + "checksum", "or size_bytes is not acceptable")
        }
        return stored
    }

    /// nil where the job dumped nothing.
    private func preChangeDump() throws(Invalid) -> String? {
        guard let value = root["pre_change_dump"], !value.isNull, value.string != "" else { return nil }
        guard let path = value.string else { throw wrong("pre_change_dump", "is \(value.typeName)") }
        guard path.hasPrefix("/") else { throw wrong("pre_change_dump", "is not absolute") }
        return path
    }

    private func baseline() throws(Invalid) -> ProtectedChecksums {
        try checksums(try object("baseline"), at: "baseline.")
    }

    private func checksums(_ object: JSONObject, at path: String) throws(Invalid) -> ProtectedChecksums {
        var tables: [String: ProtectedChecksums.Table] = [:]
        for member in try self.object("db_checksums", in: object, at: path).members {
            let (count, checksum) = try measure(member, counted: "rows", at: path + "db_checksums.")
            tables[member.key] = ProtectedChecksums.Table(rows: count, checksum: checksum)
        }
        var trees: [String: ProtectedChecksums.Tree] = [:]
        for member in try self.object("file_checksums", in: object, at: path).members {
            let (count, checksum) = try measure(member, counted: "files", at: path + "file_checksums.")
            trees[member.key] = ProtectedChecksums.Tree(files: count, checksum: checksum)
        }
        return ProtectedChecksums(tables: tables, trees: trees)
    }

    private func measure(
        _ member: JSONObject.Member, counted: String, at path: String
    ) throws(Invalid) -> (Int, String) {
        guard let object = member.value.object else { throw wrong(path + member.key, "is \(member.value.typeName)") }
        let inside = path + member.key + "."
        return (try count(counted, in: object, at: inside), try text("checksum", in: object, at: inside))
    }

    private func versions() throws(Invalid) -> [String: String] {
        var versions: [String: String] = [:]
        for member in try object("versions").members {
            guard let version = member.value.string else { throw wrong("versions.\(member.key)", "is no string") }
            versions[member.key] = version
        }
        return versions
    }

    private func publicIP() throws(Invalid) -> String {
        let text = try text("public_ip")
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.allSatisfy({ $0.utf8.count <= 3 && UInt8($0) != nil }) else {
            throw wrong("public_ip", "is no IPv4 address")
        }
        return text
    }

    private func ids(_ name: String) throws(Invalid) -> [String] {
        let ids = try texts(name)
        guard ids.allSatisfy({ UUID($0) != nil }) else { throw wrong(name, "holds what is no id") }
        return ids
    }

    // MARK: Members

    private func wrong(_ path: String, _ what: String) -> Invalid { Invalid(description: "\(path) \(what)") }

    private func object(_ name: String) throws(Invalid) -> JSONObject { try object(name, in: root, at: "") }

    private func object(_ name: String, in object: JSONObject, at path: String) throws(Invalid) -> JSONObject {
        guard let value = object[name] else { throw wrong(path + name, "is missing") }
        guard let found = value.object else { throw wrong(path + name, "is \(value.typeName), not an object") }
        return found
    }

    private func text(_ name: String) throws(Invalid) -> String { try text(name, in: root, at: "") }

    private func text(_ name: String, in object: JSONObject, at path: String) throws(Invalid) -> String {
        guard let value = object[name] else { throw wrong(path + name, "is missing") }
        guard let text = value.string else { throw wrong(path + name, "is \(value.typeName), not a string") }
        guard !text.isEmpty, !text.utf8.contains(0) else { throw wrong(path + name, "is empty or holds a NUL") }
        return text
    }

    private func texts(_ name: String) throws(Invalid) -> [String] {
        guard let value = root[name] else { throw wrong(name, "is missing") }
        let texts = value.array?.compactMap(\.string)
        guard let texts, texts.count == value.array?.count else { throw wrong(name, "is no array of strings") }
        return texts
    }

    private func flag(_ name: String) throws(Invalid) -> Bool { try flag(name, in: root, at: "") }

    private func flag(_ name: String, in object: JSONObject, at path: String) throws(Invalid) -> Bool {
        guard let value = object[name] else { throw wrong(path + name, "is missing") }
        guard let flag = value.bool else { throw wrong(path + name, "is \(value.typeName), not a boolean") }
        return flag
    }

    private func count(_ name: String) throws(Invalid) -> Int { try count(name, in: root, at: "") }

    private func count(_ name: String, in object: JSONObject, at path: String) throws(Invalid) -> Int {
        guard let value = object[name] else { throw wrong(path + name, "is missing") }
        guard let count = value.int, count >= 0 else { throw wrong(path + name, "is no count") }
        return count
    }
}
