import ServiceKit

/// The audit table: append-only and chained by PostgreSQL itself, whoever inserts.
///
/// The service gives a digest over the content of a record; a row-level trigger numbers the record without gaps and hashes number,
/// digest and the hash of the record before it. Both forms are described on `AuditRecord` in the domain, and `audit verify` computes
/// both again: an edit shows as a digest that does not fit its content, or as a chain that does not fit its digests.
///
/// The content is digested by the service because PL/pgSQL takes 65 µs for it and the service one; the trigger's share is 10 µs.
enum AuditSchema {
    static let migration = #"""
        CREATE TABLE validation_audit (
            sequence          bigint PRIMARY KEY CHECK (sequence > 0),
            request_id        uuid NOT NULL UNIQUE,
            client_request_id text CHECK (octet_length(client_request_id) BETWEEN 1 AND 256),
            scenario          text CHECK (scenario IN ('T1', 'T2')),
            decision          text NOT NULL CHECK (decision IN ('ALLOW', 'BLOCK')),
            reasons           text[] NOT NULL CHECK (reasons <@ ARRAY[
                'AUTH_FAILED', 'PARSE_ERROR', 'SCHEMA_INVALID', 'INVALID_MANIFEST', 'ARTIFACT_FETCH_FAILED',
                'CONFIG_HASH_MISMATCH', 'SNAPSHOT_HASH_MISMATCH', 'WAL_HASH_MISMATCH', 'UNKNOWN_ENV',
                'UNSUPPORTED_SYNC_MODE', 'TLS_DISABLED_PROD', 'PUBLIC_PORT_EXPOSED', 'SECRETS_REF_MISSING',
                'SECRETS_INLINE', 'INTERNAL_ERROR']),
            recorded_at       timestamptz NOT NULL,
            client            text CHECK (octet_length(client) BETWEEN 1 AND 256),
            endpoint          text NOT NULL CHECK (octet_length(endpoint) BETWEEN 1 AND 256),
            status            integer NOT NULL CHECK (status BETWEEN 200 AND 599),
            policy_version    text NOT NULL CHECK (octet_length(policy_version) BETWEEN 1 AND 256),
            change_id         text CHECK (octet_length(change_id) <= 256),
            input_digest      bytea CHECK (octet_length(input_digest) = 32),
            content_digest    bytea NOT NULL CHECK (octet_length(content_digest) = 32),
            previous_hash     bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
            record_hash       bytea NOT NULL CHECK (octet_length(record_hash) = 32),
            CONSTRAINT allow_has_no_reason CHECK ((decision = 'ALLOW') = (cardinality(reasons) = 0)),
            CONSTRAINT allow_is_200 CHECK (decision = 'BLOCK' OR status = 200)
        );

        CREATE INDEX validation_audit_by_decision ON validation_audit (decision, sequence);
        CREATE INDEX validation_audit_by_scenario ON validation_audit (scenario, sequence);
        CREATE INDEX validation_audit_by_client ON validation_audit (client, sequence);
        CREATE INDEX validation_audit_by_time ON validation_audit USING brin (recorded_at);

        -- Numbers and chains a record. The lock orders all writers until their transactions end, so that a record is chained only to
        -- one that is committed or that this transaction itself wrote, and a rollback leaves no gap.
        CREATE FUNCTION validation_audit_chain() RETURNS trigger
        LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $$
        DECLARE
            last_sequence bigint;
            last_hash bytea;
        BEGIN
            PERFORM pg_advisory_xact_lock(7202612401);
            SELECT sequence, record_hash INTO last_sequence, last_hash
                FROM validation_audit ORDER BY sequence DESC LIMIT 1;
            NEW.sequence := coalesce(last_sequence, 0) + 1;
            NEW.previous_hash := coalesce(last_hash, decode(repeat('0', 64), 'hex'));
            NEW.record_hash := sha256(int8send(NEW.sequence) || NEW.previous_hash || NEW.content_digest);
            RETURN NEW;
        END $$;

        CREATE TRIGGER chain BEFORE INSERT ON validation_audit
            FOR EACH ROW EXECUTE FUNCTION validation_audit_chain();

        CREATE FUNCTION validation_audit_refuse() RETURNS trigger
        LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'validation_audit is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;

        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON validation_audit
            FOR EACH STATEMENT EXECUTE FUNCTION validation_audit_refuse();
        ALTER TABLE validation_audit ENABLE ALWAYS TRIGGER chain;
        ALTER TABLE validation_audit ENABLE ALWAYS TRIGGER append_only;
        """#

    /// What the serving role may do. The chain's own columns are overwritten by the trigger, whatever it gives.
    static let grants: [Grant] = [.table("validation_audit", [.select, .insert])]
}
