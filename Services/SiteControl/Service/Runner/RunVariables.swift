import Encoding
import SiteControlDomain

/// The variables of one attempt, flat (reference 6.4): built from the payload, then enriched and overruled by the database.
struct RunVariables: Sendable {
    /// What the operator has configured for all runs.
    struct Installation: Sendable {
        var wordPressSource = ""
        var wordPressChecksum = ""
        var acmeServer = ""
        var acmeEmail = ""
        var allowsInsecureSources = false
        var s3Endpoint = ""
        var s3Region = ""
        var s3Bucket = ""
        var s3AccessKeyID = ""
        var s3SecretAccessKey = ""
    }

    /// What the secret store holds for the run; empty where there is none.
    struct Secrets: Sendable {
        var databasePassword = ""
        var redisPassword = ""
        var dnsCredentials = ""
        var gitKey = ""
    }

    /// The file's object. Members in the order of ``RunVariable/table``.
    let object: JSONObject
    /// What must never be seen in output.
    let secrets: [String]

    init(
        _ attempt: Attempt, _ facts: RunFacts, _ secrets: Secrets, _ installation: Installation, resultPath: String
    ) {
        var builder = Builder(attempt: attempt, facts: facts)
        builder.addRun(resultPath)
        builder.addPlace(secrets)
        builder.addRelease(installation)
        builder.addSources(secrets, installation)
        builder.addBackups(installation)
        builder.addDomains(secrets, installation)
        let values = builder.values
        var object = JSONObject()
        var hidden: [String] = []
        for variable in RunVariable.of(attempt.type) {
            let value = values[variable.name] ?? variable.kind.unset
            object[variable.name] = value
            if variable.isSecret, let text = value.string, !text.isEmpty { hidden.append(text) }
        }
        self.object = object
        self.secrets = hidden + Self.credentials(in: [object["archive_url"], object["source_ref"], object["wordpress_source"]])
    }

    var bytes: [UInt8] { JSONValue.object(object).bytes }

    /// `password` and `user:password` of URLs, and the values of their query: signed addresses carry secrets there.
    private static func credentials(in urls: [JSONValue?]) -> [String] {
        var found: [String] = []
        for case .string(let url)? in urls {
            guard let scheme = url.firstRange(of: "://") else { continue }
            let rest = url[scheme.upperBound...]
            let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            if let at = authority.lastIndex(of: "@") {
                let user = authority[..<at]
                found.append(String(user))
                if let colon = user.firstIndex(of: ":") { found.append(String(user[user.index(after: colon)...])) }
            }
            if let question = rest.firstIndex(of: "?") {
                for pair in rest[rest.index(after: question)...].split(separator: "&") {
                    let value = pair.split(separator: "=", maxSplits: 1).last ?? pair
                    if value.utf8.count >= 8 { found.append(String(value)) }
                }
            }
        }
        return found.filter { $0.utf8.count >= 4 && $0 != "git" }
    }
}

extension RunVariable.Kind {
    fileprivate var unset: JSONValue {
        switch self {
        case .string: .string("")
        case .integer: .number(JSONNumber(0))
        case .boolean: .bool(false)
        case .strings: .array([])
        }
    }
}

/// Gathers values; which of them a job gets is the table's business.
private struct Builder {
    let attempt: Attempt
    let facts: RunFacts
    let payload: Payload
    var values: [String: JSONValue] = [:]

    init(attempt: Attempt, facts: RunFacts) {
        self.attempt = attempt
        self.facts = facts
        payload = Payload(attempt.payload)
    }

    private mutating func set(_ name: String, _ text: String?) { if let text { values[name] = .string(text) } }

    private mutating func set(_ name: String, _ texts: [String]) { values[name] = .array(texts.map { .string($0) }) }

    mutating func addRun(_ resultPath: String) {
        set("job_id", attempt.jobID.description)
        values["attempt"] = .number(JSONNumber(attempt.number))
        values["fencing_term"] = .number(JSONNumber(attempt.term))
        set("result_path", resultPath)
        set("node_hostname", facts.node.hostname)
        set("node_ssh_user", facts.node.sshUser)
        set("node_public_ip", facts.node.publicIP)
    }

    mutating func addPlace(_ secrets: RunVariables.Secrets) {
        set("site_id", facts.site?.id.description)
        set("site_slug", facts.site?.slug)
        set("site_title", facts.site?.name)
        guard let place = facts.place else { return }
        let environment = place.environment
        set("environment_id", environment.id.description)
        set("environment_slug", environment.slug)
        set("environment_type", environment.type.rawValue)
        set("environment_root", place.paths.root)
        for name in ["environment_user", "database_name", "database_user", "redis_user"] { set(name, place.key.unixName) }
        set("database_password", secrets.databasePassword)
        set("redis_password", secrets.redisPassword)
        set("redis_prefix", "trivet_\(environment.id):")
        set("canonical_url", place.canonicalURL)
        set("preview_url", environment.previewURL)
        set("cache_hostnames", place.hostnames)
        values["fastcgi_cache_enabled"] = .bool(
            named("fastcgi_cache_enabled") ?? environment.hasFastCGICache)
        values["redis_cache_enabled"] = .bool(named("redis_cache_enabled") ?? environment.hasRedisCache)
        set("health_url", place.canonicalURL)
        set("health_hostname", RunFacts.host(of: place.canonicalURL))
        set("target_url", place.canonicalURL)
        set("promotion_preset", environment.preset.rawValue)
        set("protected_tables", environment.preset.protectedTables)
        set("protected_paths", environment.preset.protectedPaths)
    }

    /// As a cache switch shall be after the job; only one job switches it.
    private func named(_ flag: String) -> Bool? { attempt.type == .cacheToggle ? payload.flag(flag) : nil }

    mutating func addRelease(_ installation: RunVariables.Installation) {
        let created = attempt.createdAt.formatted(.seconds).utf8.prefix(19).filter { (0x30...0x39).contains($0) }
        let name = String(decoding: created, as: UTF8.self) + "-" + attempt.jobID.description.prefix(8)
        set("release_name", name)
        if let place = facts.place { set("release_path", place.paths.release(name)) }
        set("wordpress_source", installation.wordPressSource)
        set("wordpress_sha256", installation.wordPressChecksum)
        let email = payload.text("admin_email")
        set("admin_email", email.isEmpty ? facts.administratorEmail : email)
        set("update_scope", payload.text("scope"))
        set("target_release_path", facts.targetReleasePath)
        set("pre_change_dump", payload.text("pre_change_dump"))
    }

    mutating func addSources(_ secrets: RunVariables.Secrets, _ installation: RunVariables.Installation) {
        set("source_type", payload.text("source_type"))
        set("source_ref", payload.text("source_ref"))
        set("git_ssh_key", secrets.gitKey)
        values["allow_insecure_sources"] = .bool(installation.allowsInsecureSources)
        set("archive_url", payload.text("archive_url"))
        guard let source = facts.source else { return }
        set("source_environment_id", source.environment.id.description)
        set("source_environment_root", source.paths.root)
        set("source_environment_user", source.key.unixName)
        set("source_database_name", source.key.unixName)
        set("source_canonical_url", source.canonicalURL)
        // A promotion goes by the preset of the environment whose changes go up.
        if attempt.type == .environmentPromote {
            set("promotion_preset", source.environment.preset.rawValue)
            set("protected_tables", source.environment.preset.protectedTables)
            set("protected_paths", source.environment.preset.protectedPaths)
        }
    }

    mutating func addBackups(_ installation: RunVariables.Installation) {
        set("s3_endpoint", installation.s3Endpoint)
        set("s3_region", installation.s3Region)
        set("s3_bucket", installation.s3Bucket)
        set("s3_access_key_id", installation.s3AccessKeyID)
        set("s3_secret_access_key", installation.s3SecretAccessKey)
        set("snapshot_backup_id", facts.snapshot?.id.description)
        set("snapshot_storage_path", facts.snapshot?.storagePath)
        set("backup_id", facts.backup?.id.description)
        set("backup_storage_path", facts.backup?.storagePath)
        set("backup_scope", facts.backup?.scope.rawValue)
        set("backup_checksum", facts.backup?.checksum)
        set("backup_source_url", facts.backupPlace?.canonicalURL)
        set("backup_ids", facts.expired.map { $0.id.description })
        set("backup_storage_paths", facts.expired.map(\.storagePath))
    }

    mutating func addDomains(_ secrets: RunVariables.Secrets, _ installation: RunVariables.Installation) {
        set("domain_hostname", facts.domain?.hostname)
        values["make_primary"] = payload.flag("make_primary").map { .bool($0) }
        values["was_primary"] = payload.flag("was_primary").map { .bool($0) }
        set("acme_server", installation.acmeServer)
        set("acme_email", installation.acmeEmail)
        set("preview_domain", facts.settings["preview_domain"])
        set("dns01_provider", facts.settings["dns01_provider"])
        set("dns01_credentials", secrets.dnsCredentials)
    }
}
