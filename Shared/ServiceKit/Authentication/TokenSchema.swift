/// The table of access tokens, for a service to embed among its migrations.
public enum TokenSchema {
    /// Final once released.
    public static let sql = """
        CREATE TABLE access_token (
            id            text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{12}$'),
            secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
            client        text NOT NULL CHECK (client ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
            role          text NOT NULL CHECK (role <> ''),
            created_at    timestamptz NOT NULL DEFAULT now(),
            expires_at    timestamptz CHECK (expires_at > created_at AND isfinite(expires_at)),
            revoked_at    timestamptz,
            -- To the minute: a token in use is written at most once a minute.
            last_used_at  timestamptz
        );
        CREATE INDEX access_token_client ON access_token (client, created_at);

        -- The only thing that a serving role may change, and only this much of it.
        CREATE FUNCTION access_token_used(token text) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
        BEGIN
            -- Losing this on a crash does no harm, and nobody waits for it.
            PERFORM set_config('synchronous_commit', 'off', true);
            UPDATE access_token SET last_used_at = now()
            WHERE id = token AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute');
        END $$;
        REVOKE ALL ON FUNCTION access_token_used(text) FROM PUBLIC;
        """

    /// What the serving role needs.
    public static let grants: [Grant] = [
        .table("access_token", [.select]),
        .function("access_token_used(text)"),
    ]
}
