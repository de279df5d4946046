-- The peer's audit table: the service's columns without its chain.
DROP TABLE IF EXISTS peer_audit;
CREATE TABLE peer_audit (
    sequence       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id     uuid NOT NULL UNIQUE,
    scenario       text,
    decision       text NOT NULL,
    reasons        text[] NOT NULL,
    decided_at     timestamptz NOT NULL,
    client         text,
    endpoint       text NOT NULL,
    policy_version text NOT NULL,
    input_digest   bytea
);
