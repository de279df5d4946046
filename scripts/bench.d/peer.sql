-- The peer's audit table: the service's columns and indexes without its chain.
DROP TABLE IF EXISTS peer_audit;
CREATE TABLE peer_audit (
    sequence       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id     uuid NOT NULL UNIQUE,
    scenario       text,
    decision       text NOT NULL,
    reasons        text[] NOT NULL,
    recorded_at    timestamptz NOT NULL,
    client         text,
    endpoint       text NOT NULL,
    status         integer NOT NULL,
    policy_version text NOT NULL,
    input_digest   bytea
);
CREATE INDEX ON peer_audit (decision, sequence);
CREATE INDEX ON peer_audit (scenario, sequence);
CREATE INDEX ON peer_audit (client, sequence);
CREATE INDEX ON peer_audit USING brin (recorded_at);
