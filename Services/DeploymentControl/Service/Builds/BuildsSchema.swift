import ServiceKit

/// The tables of builds and of the capabilities that lead to them.
enum BuildsSchema {
    static let migration =
        #"""
        CREATE TABLE upload_capability (
            id           uuid PRIMARY KEY,
            client       text NOT NULL CHECK (client <> ''),
            service      text NOT NULL REFERENCES service,
            version      text NOT NULL CHECK (version ~ '^[0-9]+\.[0-9]+\.[0-9]+(-[A-Za-z0-9.-]+)?$'),
            size_bytes   bigint NOT NULL CHECK (size_bytes BETWEEN 1 AND 209715200),
            sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            content_type text NOT NULL CHECK (content_type IN ('application/zip', 'application/gzip')),
            artifact_ref text NOT NULL CHECK (octet_length(artifact_ref) BETWEEN 1 AND 1024),
            state        text NOT NULL DEFAULT 'ISSUED' CHECK (state IN ('ISSUED', 'UPLOADED', 'USED')),
            expires_at   timestamptz NOT NULL,
            created_at   timestamptz NOT NULL DEFAULT now(),
            uploaded_at  timestamptz,
            used_at      timestamptz,
            CHECK (expires_at > created_at),
            CHECK (state <> 'UPLOADED' OR uploaded_at IS NOT NULL),
            CHECK ((state = 'USED') = (used_at IS NOT NULL)),
            -- The name of an artifact tells its content.
            CHECK (artifact_ref LIKE '%/' || service || '/' || version || '/' || sha256 || '.%')
        );
        CREATE INDEX upload_capability_tuple ON upload_capability (service, version, sha256);
        CREATE INDEX upload_capability_ref ON upload_capability (artifact_ref);
        CREATE INDEX upload_capability_expiry ON upload_capability (expires_at) WHERE state <> 'USED';

        -- A capability goes forward only, and what it allows does not change.
        CREATE FUNCTION upload_capability_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                IF OLD.state = 'USED' THEN
                    RAISE EXCEPTION 'a used capability is kept' USING ERRCODE = 'check_violation';
                END IF;
                RETURN OLD;
            END IF;
            IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
                ('ISSUED', 'UPLOADED'), ('ISSUED', 'USED'), ('UPLOADED', 'USED'))
            THEN
                RAISE EXCEPTION 'a capability does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
            END IF;
            IF (OLD.id, OLD.client, OLD.service, OLD.version, OLD.size_bytes, OLD.sha256, OLD.content_type,
                OLD.artifact_ref, OLD.expires_at, OLD.created_at)
                IS DISTINCT FROM
                (NEW.id, NEW.client, NEW.service, NEW.version, NEW.size_bytes, NEW.sha256, NEW.content_type,
                NEW.artifact_ref, NEW.expires_at, NEW.created_at)
            THEN
                RAISE EXCEPTION 'what a capability allows does not change' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON upload_capability
        FOR EACH ROW EXECUTE FUNCTION upload_capability_guard();

        CREATE TABLE build (
            id            uuid PRIMARY KEY,
            -- No build without a capability, and one build for each.
            capability    uuid NOT NULL UNIQUE REFERENCES upload_capability,
            client        text NOT NULL CHECK (client <> ''),
            service       text NOT NULL REFERENCES service,
            version       text NOT NULL CHECK (version ~ '^[0-9]+\.[0-9]+\.[0-9]+(-[A-Za-z0-9.-]+)?$'),
            artifact_ref  text NOT NULL CHECK (octet_length(artifact_ref) BETWEEN 1 AND 1024),
            sha256        text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            size_bytes    bigint NOT NULL CHECK (size_bytes BETWEEN 1 AND 209715200),
            content_type  text NOT NULL CHECK (content_type IN ('application/zip', 'application/gzip')),
            registered_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT build_is_immutable UNIQUE (service, version)
        );

        """# + AppendOnly.sql(for: "build")

    /// What the serving role may do. A build is never changed; a capability that came to nothing may be forgotten.
    static let grants: [Grant] = [
        .table("upload_capability", [.select, .insert, .delete]),
        .update("upload_capability", columns: ["state", "uploaded_at", "used_at"]),
        .table("build", [.select, .insert]),
    ]
}
