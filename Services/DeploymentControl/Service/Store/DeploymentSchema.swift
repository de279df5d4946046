import ServiceKit

/// The tables of services, settings and deployments.
enum DeploymentSchema {
    static let migration = #"""
        CREATE TABLE service (
            name                     text PRIMARY KEY CHECK (name ~ '^[a-z0-9-]{1,63}$'),
            application              text NOT NULL CHECK (application <> ''),
            deploy_pipeline          text NOT NULL CHECK (deploy_pipeline <> ''),
            rollback_pipeline        text NOT NULL CHECK (rollback_pipeline <> ''),
            engine_url               text CHECK (engine_url <> ''),
            require_registered_build boolean NOT NULL DEFAULT false,
            -- A service that was removed keeps its history readable.
            enabled                  boolean NOT NULL DEFAULT true,
            created_at               timestamptz NOT NULL DEFAULT now()
        );

        CREATE TABLE setting (
            name       text PRIMARY KEY,
            value      text NOT NULL,
            reason     text NOT NULL DEFAULT '',
            updated_by text NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now()
        );

        CREATE TABLE deployment (
            -- Also the correlation id of the execution.
            id                uuid PRIMARY KEY,
            seq               bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            client            text NOT NULL CHECK (client <> ''),
            role              text NOT NULL,
            request_id        text NOT NULL,
            service           text NOT NULL CHECK (service <> ''),
            environment       text NOT NULL CHECK (environment <> ''),
            version           text NOT NULL CHECK (version ~ '^[0-9]+\.[0-9]+\.[0-9]+(-[A-Za-z0-9.-]+)?$'),
            change_summary    text NOT NULL CHECK (char_length(change_summary) BETWEEN 1 AND 240),
            state             text NOT NULL DEFAULT 'PENDING'
                              CHECK (state IN ('PENDING', 'ACTIVE', 'SUCCEEDED', 'FAILED', 'ROLLED_BACK')),
            kind              text NOT NULL CHECK (kind IN ('ROLL_FORWARD', 'ROLLBACK')),
            rollback_of       uuid REFERENCES deployment,
            execution_id      text UNIQUE CHECK (execution_id ~ '^[A-Za-z0-9_-]{1,128}$'),
            execution_url     text CHECK (execution_url <> ''),
            application       text NOT NULL,
            pipeline          text NOT NULL,
            -- What a reconciler needs to finish or to undo: the idempotency claim and the quota unit.
            claim_scope       bytea NOT NULL,
            claim_owner       uuid NOT NULL,
            quota             text NOT NULL,
            quota_day         date NOT NULL,
            created_at        timestamptz NOT NULL DEFAULT now(),
            updated_at        timestamptz NOT NULL DEFAULT now(),
            accepted_at       timestamptz,
            finished_at       timestamptz,
            rolled_back_at    timestamptz,
            -- The last look that was begun, and the last that was answered.
            last_look_at      timestamptz,
            last_answer_at    timestamptz,
            next_poll_at      timestamptz NOT NULL,
            failed_polls      integer NOT NULL DEFAULT 0,
            -- Answers in a row that the engine does not know it.
            missing_count     integer NOT NULL DEFAULT 0,
            missing_since     timestamptz,
            CHECK (state = 'PENDING' OR (execution_id IS NOT NULL AND execution_url IS NOT NULL AND accepted_at IS NOT NULL)),
            CHECK ((kind = 'ROLLBACK') = (rollback_of IS NOT NULL)),
            CHECK ((state IN ('PENDING', 'ACTIVE')) = (finished_at IS NULL)),
            CHECK ((state = 'ROLLED_BACK') = (rolled_back_at IS NOT NULL))
        );

        -- The global lock: one deployment in flight in the whole installation.
        CREATE UNIQUE INDEX deployment_global_lock ON deployment ((true)) WHERE state IN ('PENDING', 'ACTIVE');
        CREATE INDEX deployment_by_service ON deployment (service, environment, state, seq DESC);
        CREATE INDEX deployment_by_time ON deployment (created_at DESC, id DESC);
        CREATE INDEX deployment_by_service_time ON deployment (service, created_at DESC, id DESC);
        CREATE INDEX deployment_rollbacks ON deployment (rollback_of) WHERE rollback_of IS NOT NULL;

        -- States and what may change: the same table as the program's. Terminal facts stay.
        CREATE FUNCTION deployment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                IF OLD.state <> 'PENDING' THEN
                    RAISE EXCEPTION 'a deployment in state % is not removed', OLD.state USING ERRCODE = 'check_violation';
                END IF;
                RETURN OLD;
            END IF;
            IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
                ('PENDING', 'ACTIVE'), ('ACTIVE', 'SUCCEEDED'), ('ACTIVE', 'FAILED'),
                ('SUCCEEDED', 'ROLLED_BACK'), ('FAILED', 'ROLLED_BACK'))
            THEN
                RAISE EXCEPTION 'a deployment does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
            END IF;
            IF OLD.state <> 'PENDING' AND
                (OLD.service, OLD.environment, OLD.version, OLD.change_summary, OLD.execution_id, OLD.execution_url)
                IS DISTINCT FROM
                (NEW.service, NEW.environment, NEW.version, NEW.change_summary, NEW.execution_id, NEW.execution_url)
            THEN
                RAISE EXCEPTION 'what a deployment is does not change' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON deployment FOR EACH ROW EXECUTE FUNCTION deployment_guard();

        CREATE TABLE deployment_failure (
            deployment_id uuid NOT NULL REFERENCES deployment,
            position      integer NOT NULL,
            -- Over category and summary: seen again, it keeps its time.
            fingerprint   bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
            category      text NOT NULL CHECK (category IN ('INFRA', 'CONFIG', 'APP', 'POLICY', 'UNKNOWN')),
            summary       text NOT NULL CHECK (summary <> ''),
            detail        text,
            action_hint   text NOT NULL CHECK (action_hint <> ''),
            observed_at   timestamptz NOT NULL,
            PRIMARY KEY (deployment_id, position),
            UNIQUE (deployment_id, fingerprint)
        );
        """#

    /// What the serving role may do.
    static let grants: [Grant] = [
        .table("service", [.select]),
        .table("setting", [.select, .insert, .update]),
        .table("deployment", [.select, .insert, .update, .delete]),
        .table("deployment_failure", [.select, .insert]),
    ]
}
