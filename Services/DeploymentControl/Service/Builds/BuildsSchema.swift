import ServiceKit

/// The tables of builds and of the capabilities that lead to them.
enum BuildsSchema {
    static let migration = """
        CREATE TABLE upload_capability (
            id           uuid PRIMARY KEY,
            client       text NOT NULL,
            service      text NOT NULL,
            version      text NOT NULL,
            size_bytes   bigint NOT NULL CHECK (size_bytes BETWEEN 1 AND 209715200),
            sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            content_type text NOT NULL CHECK (content_type IN ('application/zip', 'application/gzip')),
            artifact_ref text NOT NULL CHECK (octet_length(artifact_ref) BETWEEN 1 AND 1024),
            state        text NOT NULL DEFAULT 'ISSUED' CHECK (state IN ('ISSUED', 'UPLOADED', 'USED')),
            expires_at   timestamptz NOT NULL,
            created_at   timestamptz NOT NULL DEFAULT now(),
            uploaded_at  timestamptz,
            used_at      timestamptz,
            CHECK (expires_at > created_at)
        );
        CREATE INDEX upload_capability_tuple ON upload_capability (service, version, sha256);

        CREATE TABLE build (
            id            uuid PRIMARY KEY,
            client        text NOT NULL,
            service       text NOT NULL,
            version       text NOT NULL,
            artifact_ref  text NOT NULL CHECK (octet_length(artifact_ref) BETWEEN 1 AND 1024),
            sha256        text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            size_bytes    bigint NOT NULL CHECK (size_bytes BETWEEN 1 AND 209715200),
            content_type  text NOT NULL CHECK (content_type IN ('application/zip', 'application/gzip')),
            registered_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT build_is_immutable UNIQUE (service, version)
        );
        """

    /// What the serving role may do. A build is never changed.
    static let grants: [Grant] = [
        .table("upload_capability", [.select, .insert]),
        .update("upload_capability", columns: ["state", "uploaded_at", "used_at"]),
        .table("build", [.select, .insert]),
    ]
}
