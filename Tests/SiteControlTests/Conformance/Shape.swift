import Encoding
import Testing

/// The exact members of the response objects of 2.3, with their types.
enum Shape {
    indirect enum Kind: Sendable {
        case id, text, time, count, flag, uri
        case one(of: [String])
        case nullable(Kind)

        func fits(_ value: JSONValue) -> Bool {
            switch self {
            case .id: (value.string.flatMap { UUID($0) }?.version == 4) && value.string == value.string?.lowercased()
            case .text: value.string != nil
            case .uri: value.string?.contains("://") == true
            case .time: value.string.map { $0.hasSuffix("Z") && Timestamp($0) != nil } == true
            case .count: (value.int ?? -1) >= 0
            case .flag: value.bool != nil
            case .one(let values): value.string.map { values.contains($0) } == true
            case .nullable(let kind): value.isNull || kind.fits(value)
            }
        }
    }

    static let lifecycle = Kind.one(of: ["active", "cloning", "deploying", "restoring", "failed"])

    static let site: [String: Kind] = [
        "id": .id, "name": .text, "slug": .text, "status": lifecycle, "primary_environment_id": .nullable(.id),
        "created_at": .time, "updated_at": .time, "state_version": .count,
    ]
    static let environment: [String: Kind] = [
        "id": .id, "site_id": .id, "node_id": .id, "name": .text, "slug": .text,
        "environment_type": .one(of: ["production", "staging", "clone"]), "status": lifecycle,
        "source_environment_id": .nullable(.id), "promotion_preset": .one(of: ["content-protect", "commerce-protect"]),
        "preview_url": .uri, "primary_domain_id": .nullable(.id), "current_release_id": .nullable(.id),
        "drift_status": .one(of: ["unknown", "clean", "drifted"]), "drift_checked_at": .nullable(.time),
        "last_drift_check_id": .nullable(.id), "fastcgi_cache_enabled": .flag, "redis_cache_enabled": .flag,
        "created_at": .time, "updated_at": .time, "state_version": .count,
    ]
    static let backup: [String: Kind] = [
        "id": .id, "environment_id": .id, "backup_scope": .one(of: ["db", "files", "full"]),
        "status": .one(of: ["pending", "running", "completed", "failed", "expired"]), "storage_type": .one(of: ["s3"]),
        "storage_path": .text, "retention_until": .time, "checksum": .nullable(.text), "size_bytes": .nullable(.count),
        "created_at": .time, "completed_at": .nullable(.time),
    ]
    static let domain: [String: Kind] = [
        "id": .id, "environment_id": .id, "hostname": .text, "tls_status": .one(of: ["pending", "active", "failed", "disabled"]),
        "tls_issuer": .one(of: ["letsencrypt"]), "created_at": .time, "updated_at": .time,
    ]
    static let jobTypes = [
        "node_provision", "site_create", "site_import", "env_create", "env_deploy", "env_update", "env_restore", "env_promote",
        "env_cache_toggle", "cache_purge", "backup_create", "domain_add", "domain_remove", "drift_check", "health_check",
        "backup_cleanup", "release_rollback",
    ]
    /// `site_id` is left out for global jobs.
    static let job: [String: Kind] = [
        "id": .id, "job_type": .one(of: jobTypes), "status": .one(of: ["queued", "running", "succeeded", "failed", "cancelled"]),
        "site_id": .id, "environment_id": .nullable(.id), "node_id": .nullable(.id), "attempt_count": .count,
        "max_attempts": .count, "run_after": .nullable(.time), "locked_at": .nullable(.time), "locked_by": .nullable(.text),
        "started_at": .nullable(.time), "finished_at": .nullable(.time), "error_code": .nullable(.text),
        "error_message": .nullable(.text), "created_at": .time, "updated_at": .time,
    ]
    static let globalJob = job.filter { $0.key != "site_id" }
    static let metrics: [String: Kind] = [
        "jobs_running": .count, "jobs_queued": .count, "nodes_active": .count, "sites_total": .count,
    ]

    /// All members and no other, each of its type.
    static func expect(_ value: JSONValue, _ shape: [String: Kind], _ location: SourceLocation = #_sourceLocation) {
        guard let object = value.object else {
            Issue.record("not an object: \(value.typeName)", sourceLocation: location)
            return
        }
        #expect(object.keys.sorted() == shape.keys.sorted(), sourceLocation: location)
        for (key, kind) in shape {
            guard let member = object[key] else { continue }
            #expect(kind.fits(member), "\(key): \(String(decoding: member.bytes, as: UTF8.self))", sourceLocation: location)
        }
    }
}
