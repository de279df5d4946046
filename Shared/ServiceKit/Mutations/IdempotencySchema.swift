/// The table of idempotency keys, for a service to embed among its migrations.
public enum IdempotencySchema {
    /// Final once released.
    public static let sql = """
        CREATE TABLE idempotency_key (
            -- SHA-256 over client, method, path and key.
            scope       bytea PRIMARY KEY CHECK (octet_length(scope) = 32),
            client      text NOT NULL,
            method      text NOT NULL,
            path        text NOT NULL,
            key         text NOT NULL,
            fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
            -- Who runs the request now: a fencing token.
            owner       uuid NOT NULL,
            -- The outcome is not known yet: nobody may take the claim over.
            is_held     boolean NOT NULL DEFAULT false,
            claimed_at  timestamptz NOT NULL,
            expires_at  timestamptz NOT NULL CHECK (expires_at > claimed_at),
            status      smallint CHECK (status BETWEEN 200 AND 599),
            fields      text,
            body        bytea,
            CHECK ((status IS NULL) = (fields IS NULL) AND (status IS NULL) = (body IS NULL))
        );
        CREATE INDEX idempotency_key_expiry ON idempotency_key (expires_at);
        """

    /// What the serving role needs.
    public static let grants: [Grant] = [.table("idempotency_key", [.select, .insert, .update, .delete])]
}
