import Encoding
import Postgres
import SiteControlDomain

// Resources as clients see them (reference 2.3). What may be null is written as null.

extension SiteRow: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("name", name)
        json.member("slug", slug)
        json.member("status", status.rawValue)
        json.member("primary_environment_id", primaryEnvironmentID)
        json.member("created_at", createdAt)
        json.member("updated_at", updatedAt)
        json.member("state_version", stateVersion)
        json.endObject()
    }
}

extension EnvironmentRow: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("site_id", siteID)
        json.member("node_id", nodeID)
        json.member("name", name)
        json.member("slug", slug)
        json.member("environment_type", type.rawValue)
        json.member("status", status.rawValue)
        json.member("source_environment_id", sourceEnvironmentID)
        json.member("promotion_preset", preset.rawValue)
        json.member("preview_url", previewURL)
        json.member("primary_domain_id", primaryDomainID)
        json.member("current_release_id", currentReleaseID)
        json.member("drift_status", driftStatus.rawValue)
        json.member("drift_checked_at", driftCheckedAt)
        json.member("last_drift_check_id", lastDriftCheckID)
        json.member("fastcgi_cache_enabled", hasFastCGICache)
        json.member("redis_cache_enabled", hasRedisCache)
        json.member("created_at", createdAt)
        json.member("updated_at", updatedAt)
        json.member("state_version", stateVersion)
        json.endObject()
    }
}

extension BackupRow: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("environment_id", environmentID)
        json.member("backup_scope", scope.rawValue)
        json.member("status", status.rawValue)
        json.member("storage_type", storageType)
        json.member("storage_path", storagePath)
        json.member("retention_until", retentionUntil)
        json.member("checksum", checksum)
        json.member("size_bytes", sizeBytes)
        json.member("created_at", createdAt)
        json.member("completed_at", completedAt)
        json.endObject()
    }
}

extension DomainRow: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("environment_id", environmentID)
        json.member("hostname", hostname)
        json.member("tls_status", tlsStatus.rawValue)
        json.member("tls_issuer", tlsIssuer)
        json.member("created_at", createdAt)
        json.member("updated_at", updatedAt)
        json.endObject()
    }
}

/// What an operation answers that made a job: exactly its id.
struct AcceptedJob: JSONEncodable {
    let id: UUID

    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("job_id", id)
        json.endObject()
    }
}

/// What a reset answers.
struct ResetDocument: JSONEncodable {
    let status: LifecycleStatus

    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("success", true)
        json.member("status", status.rawValue)
        json.endObject()
    }
}
