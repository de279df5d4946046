import Postgres
import ServiceKit

/// The tables of this service (reference 3), one migration per topic, and what the serving role may do with each.
enum SiteSchema {
    static let migrations = [
        Migration(2, "users, sessions and settings", accounts),
        Migration(3, "nodes, sites and environments", resources),
        Migration(4, "jobs and their events", jobs),
        Migration(5, "audit log", audit),
        Migration(6, "states and what may change", guards),
    ]

    static let accounts = #"""
        CREATE TABLE users (
            id            uuid PRIMARY KEY,
            email         text NOT NULL UNIQUE CHECK (email = lower(email) AND email <> ''),
            display_name  text NOT NULL,
            role          text NOT NULL CHECK (role IN ('admin')),
            -- scrypt with its parameters.
            password_hash text NOT NULL,
            is_active     boolean NOT NULL DEFAULT true,
            created_at    timestamptz NOT NULL DEFAULT now(),
            updated_at    timestamptz NOT NULL DEFAULT now()
        );

        CREATE TABLE auth_sessions (
            id            uuid PRIMARY KEY,
            user_id       uuid NOT NULL REFERENCES users,
            -- A digest, never the token itself.
            session_token text NOT NULL UNIQUE CHECK (session_token ~ '^[0-9a-f]{64}$'),
            expires_at    timestamptz NOT NULL,
            created_at    timestamptz NOT NULL DEFAULT now(),
            revoked_at    timestamptz,
            CHECK (expires_at > created_at)
        );
        CREATE INDEX auth_sessions_expiry ON auth_sessions (expires_at);
        CREATE INDEX auth_sessions_user ON auth_sessions (user_id);

        -- A key that is not set has no row. Of the credentials the row holds a reference, never the secret.
        CREATE TABLE settings (
            key        text PRIMARY KEY CHECK (key IN
                       ('control_plane_domain', 'preview_domain', 'dns01_provider', 'dns01_credentials_json')),
            value      text NOT NULL CHECK (value <> ''),
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        """#

    static let resources = #"""
        CREATE TABLE nodes (
            id            uuid PRIMARY KEY,
            name          text NOT NULL UNIQUE CHECK (name <> ''),
            hostname      text NOT NULL CHECK (hostname <> ''),
            public_ip     inet CHECK (family(public_ip) = 4 AND masklen(public_ip) = 32),
            ssh_port      integer NOT NULL CHECK (ssh_port BETWEEN 1 AND 65535),
            ssh_user      text NOT NULL CHECK (ssh_user <> ''),
            status        text NOT NULL DEFAULT 'provisioning'
                          CHECK (status IN ('active', 'provisioning', 'unreachable', 'decommissioned')),
            is_local      boolean NOT NULL DEFAULT false,
            last_seen_at  timestamptz,
            created_at    timestamptz NOT NULL DEFAULT now(),
            updated_at    timestamptz NOT NULL DEFAULT now(),
            state_version bigint NOT NULL DEFAULT 1 CHECK (state_version >= 1)
        );
        CREATE UNIQUE INDEX nodes_one_local ON nodes ((true)) WHERE is_local;
        CREATE UNIQUE INDEX nodes_endpoint ON nodes (hostname, ssh_port) WHERE status <> 'decommissioned';

        CREATE TABLE sites (
            id                     uuid PRIMARY KEY,
            name                   text NOT NULL CHECK (name <> ''),
            slug                   text NOT NULL CONSTRAINT sites_slug_taken UNIQUE
                                   CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
            status                 text NOT NULL
                                   CHECK (status IN ('active', 'cloning', 'deploying', 'restoring', 'failed')),
            primary_environment_id uuid,
            created_at             timestamptz NOT NULL DEFAULT now(),
            updated_at             timestamptz NOT NULL DEFAULT now(),
            state_version          bigint NOT NULL DEFAULT 1 CHECK (state_version >= 1)
        );
        CREATE INDEX sites_by_time ON sites (created_at, id);

        CREATE TABLE environments (
            id                    uuid PRIMARY KEY,
            site_id               uuid NOT NULL REFERENCES sites,
            name                  text NOT NULL CHECK (name <> ''),
            slug                  text NOT NULL CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
            environment_type      text NOT NULL CHECK (environment_type IN ('production', 'staging', 'clone')),
            status                text NOT NULL
                                  CHECK (status IN ('active', 'cloning', 'deploying', 'restoring', 'failed')),
            node_id               uuid NOT NULL REFERENCES nodes,
            source_environment_id uuid CHECK (source_environment_id <> id),
            promotion_preset      text NOT NULL CHECK (promotion_preset IN ('content-protect', 'commerce-protect')),
            preview_url           text NOT NULL CONSTRAINT environments_preview_url_taken UNIQUE,
            primary_domain_id     uuid,
            current_release_id    uuid,
            drift_status          text NOT NULL DEFAULT 'unknown' CHECK (drift_status IN ('unknown', 'clean', 'drifted')),
            drift_checked_at      timestamptz,
            last_drift_check_id   uuid,
            fastcgi_cache_enabled boolean NOT NULL DEFAULT true,
            redis_cache_enabled   boolean NOT NULL DEFAULT true,
            created_at            timestamptz NOT NULL DEFAULT now(),
            updated_at            timestamptz NOT NULL DEFAULT now(),
            state_version         bigint NOT NULL DEFAULT 1 CHECK (state_version >= 1),
            CONSTRAINT environments_slug_taken UNIQUE (site_id, slug),
            -- Target of composite keys: what belongs to an environment belongs to its site.
            UNIQUE (id, site_id),
            CHECK (status <> 'active' OR current_release_id IS NOT NULL),
            CHECK ((drift_checked_at IS NULL) = (last_drift_check_id IS NULL)),
            CHECK (drift_status = 'unknown' OR last_drift_check_id IS NOT NULL),
            CHECK ((environment_type = 'production') = (source_environment_id IS NULL))
        );
        CREATE UNIQUE INDEX environments_one_production ON environments (site_id) WHERE environment_type = 'production';
        CREATE INDEX environments_by_node ON environments (node_id);
        CREATE INDEX environments_by_source ON environments (source_environment_id);

        CREATE TABLE releases (
            id             uuid PRIMARY KEY,
            environment_id uuid NOT NULL REFERENCES environments,
            source_type    text NOT NULL CHECK (source_type IN ('git', 'upload')),
            source_ref     text NOT NULL CHECK (source_ref <> ''),
            path           text NOT NULL CHECK (path <> ''),
            health_status  text NOT NULL DEFAULT 'unknown' CHECK (health_status IN ('unknown', 'healthy', 'unhealthy')),
            notes          text,
            created_at     timestamptz NOT NULL DEFAULT now(),
            UNIQUE (id, environment_id),
            UNIQUE (environment_id, path)
        );

        CREATE TABLE domains (
            id             uuid PRIMARY KEY,
            environment_id uuid NOT NULL REFERENCES environments,
            hostname       text NOT NULL CONSTRAINT domains_hostname_taken UNIQUE
                           CHECK (hostname = lower(hostname) AND length(hostname) BETWEEN 1 AND 253),
            tls_status     text NOT NULL DEFAULT 'pending' CHECK (tls_status IN ('pending', 'active', 'failed', 'disabled')),
            tls_issuer     text NOT NULL DEFAULT 'letsencrypt' CHECK (tls_issuer IN ('letsencrypt')),
            created_at     timestamptz NOT NULL DEFAULT now(),
            updated_at     timestamptz NOT NULL DEFAULT now(),
            UNIQUE (id, environment_id)
        );
        CREATE INDEX domains_by_environment ON domains (environment_id, created_at, id);

        CREATE TABLE backups (
            id              uuid PRIMARY KEY,
            environment_id  uuid NOT NULL REFERENCES environments,
            backup_scope    text NOT NULL CHECK (backup_scope IN ('db', 'files', 'full')),
            status          text NOT NULL DEFAULT 'pending'
                            CHECK (status IN ('pending', 'running', 'completed', 'failed', 'expired')),
            storage_type    text NOT NULL DEFAULT 's3' CHECK (storage_type IN ('s3')),
            storage_path    text NOT NULL UNIQUE CHECK (storage_path <> ''),
            retention_until timestamptz NOT NULL,
            checksum        text CHECK (checksum ~ '^sha256:[0-9a-f]{64}$'),
            size_bytes      bigint CHECK (size_bytes >= 0),
            created_at      timestamptz NOT NULL DEFAULT now(),
            completed_at    timestamptz,
            CHECK (retention_until > created_at),
            CHECK (num_nonnulls(checksum, size_bytes, completed_at) IN (0, 3)),
            CHECK ((status IN ('completed', 'expired')) = (completed_at IS NOT NULL))
        );
        CREATE INDEX backups_by_environment ON backups (environment_id, created_at DESC, id);
        CREATE INDEX backups_expiry ON backups (retention_until) WHERE status = 'completed';

        -- A baseline is what an environment was made from; a check compares production with it.
        CREATE TABLE drift_checks (
            id                  uuid PRIMARY KEY,
            environment_id      uuid NOT NULL REFERENCES environments,
            promotion_preset    text NOT NULL CHECK (promotion_preset IN ('content-protect', 'commerce-protect')),
            kind                text NOT NULL CHECK (kind IN ('baseline', 'check')),
            status              text NOT NULL CHECK (status IN ('unknown', 'clean', 'drifted')),
            db_checksums_json   jsonb NOT NULL CHECK (jsonb_typeof(db_checksums_json) = 'object'),
            file_checksums_json jsonb NOT NULL CHECK (jsonb_typeof(file_checksums_json) = 'object'),
            checked_at          timestamptz NOT NULL DEFAULT now(),
            UNIQUE (id, environment_id),
            CHECK ((kind = 'baseline') = (status = 'unknown'))
        );
        CREATE INDEX drift_checks_baseline ON drift_checks (environment_id, checked_at DESC) WHERE kind = 'baseline';

        -- Both ends of a pointer may be written in one transaction, in any order.
        ALTER TABLE sites ADD CONSTRAINT sites_primary_environment
            FOREIGN KEY (primary_environment_id, id) REFERENCES environments (id, site_id) DEFERRABLE INITIALLY DEFERRED;
        ALTER TABLE environments
            ADD CONSTRAINT environments_source FOREIGN KEY (source_environment_id, site_id)
                REFERENCES environments (id, site_id) DEFERRABLE INITIALLY DEFERRED,
            ADD CONSTRAINT environments_primary_domain FOREIGN KEY (primary_domain_id, id)
                REFERENCES domains (id, environment_id) DEFERRABLE INITIALLY DEFERRED,
            ADD CONSTRAINT environments_current_release FOREIGN KEY (current_release_id, id)
                REFERENCES releases (id, environment_id) DEFERRABLE INITIALLY DEFERRED,
            ADD CONSTRAINT environments_last_drift_check FOREIGN KEY (last_drift_check_id, id)
                REFERENCES drift_checks (id, environment_id) DEFERRABLE INITIALLY DEFERRED;
        """#

    static let grants: [Grant] = [
        .table("users", [.select]),
        .table("auth_sessions", [.select, .insert, .delete]), .table("rate_window", [.delete]), .update("auth_sessions", columns: ["revoked_at"]),
        .table("settings", [.select, .insert, .update, .delete]),
        .table("nodes", [.select]), .update("nodes", columns: ["status", "public_ip", "last_seen_at"]),
        .table("sites", [.select, .insert]), .update("sites", columns: ["status", "primary_environment_id"]),
        .table("environments", [.select, .insert]),
        .update(
            "environments",
            columns: [
                "status", "primary_domain_id", "current_release_id", "drift_status", "drift_checked_at", "last_drift_check_id",
                "fastcgi_cache_enabled", "redis_cache_enabled",
            ]),
        .table("releases", [.select, .insert]), .update("releases", columns: ["health_status"]),
        .table("domains", [.select, .insert, .delete]), .update("domains", columns: ["tls_status"]),
        .table("backups", [.select, .insert]),
        .update("backups", columns: ["status", "checksum", "size_bytes", "completed_at"]),
        .table("drift_checks", [.select, .insert]),
        .table("jobs", [.select, .insert]),
        .update(
            "jobs",
            columns: [
                "status", "attempt_count", "run_after", "locked_at", "locked_by", "lease_expires_at", "fencing_term",
                "cancel_requested_at", "event_seq", "started_at", "finished_at", "error_code", "error_message", "output_tail",
            ]),
        .sequence("job_fencing_term"),
        // Deleted by retention alone.
        .table("job_events", [.select, .insert, .delete]),
        .table("audit_logs", [.select, .insert]), .update("audit_logs", columns: ["result"]),
    ]
}
