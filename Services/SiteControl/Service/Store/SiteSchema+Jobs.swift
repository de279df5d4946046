extension SiteSchema {
    static let jobs = #"""
        -- Rises with every claim of any job: who holds a lower term holds nothing.
        CREATE SEQUENCE job_fencing_term;

        CREATE TABLE jobs (
            id                  uuid PRIMARY KEY,
            job_type            text NOT NULL CHECK (job_type IN
                                ('node_provision', 'site_create', 'site_import', 'env_create', 'env_deploy', 'env_update',
                                'env_restore', 'env_promote', 'env_cache_toggle', 'cache_purge', 'backup_create',
                                'domain_add', 'domain_remove', 'drift_check', 'health_check', 'backup_cleanup',
                                'release_rollback')),
            status              text NOT NULL DEFAULT 'queued'
                                CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
            site_id             uuid REFERENCES sites,
            environment_id      uuid,
            node_id             uuid NOT NULL REFERENCES nodes,
            payload_json        jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(payload_json) = 'object'),
            attempt_count       integer NOT NULL DEFAULT 0 CHECK (attempt_count BETWEEN 0 AND max_attempts),
            max_attempts        integer NOT NULL DEFAULT 3 CHECK (max_attempts >= 1),
            run_after           timestamptz,
            locked_at           timestamptz,
            -- host:pid:boot, for people; what counts is the term.
            locked_by           text,
            lease_expires_at    timestamptz,
            fencing_term        bigint,
            cancel_requested_at timestamptz,
            -- Number of the job's newest event.
            event_seq           bigint NOT NULL DEFAULT 0 CHECK (event_seq >= 0),
            started_at          timestamptz,
            finished_at         timestamptz,
            error_code          text,
            error_message       text CHECK (octet_length(error_message) <= 10240),
            output_tail         text CHECK (octet_length(output_tail) <= 10240),
            created_at          timestamptz NOT NULL DEFAULT now(),
            updated_at          timestamptz NOT NULL DEFAULT now(),
            FOREIGN KEY (environment_id, site_id) REFERENCES environments (id, site_id),
            CONSTRAINT jobs_global_without_site CHECK ((job_type = 'node_provision') = (site_id IS NULL)),
            CHECK (environment_id IS NULL OR site_id IS NOT NULL),
            CHECK (job_type IN ('node_provision', 'backup_cleanup') OR environment_id IS NOT NULL),
            CHECK ((status = 'running') = (locked_by IS NOT NULL)),
            CHECK (num_nonnulls(locked_by, locked_at, lease_expires_at) IN (0, 3)),
            CHECK (status <> 'running' OR (started_at IS NOT NULL AND fencing_term IS NOT NULL)),
            CHECK ((status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
            CHECK ((error_code IS NULL) = (error_message IS NULL)),
            CHECK (status <> 'failed' OR error_code IS NOT NULL),
            CHECK (status <> 'succeeded' OR error_code IS NULL),
            CHECK (error_code <> '' AND error_message <> '')
        );
        -- The head of every node's queue, in the order of claims. No second index may tempt the planner to read the whole queue
        -- once for each node.
        CREATE INDEX jobs_due ON jobs (node_id, coalesce(run_after, created_at), created_at, id) WHERE status = 'queued';
        CREATE INDEX jobs_leases ON jobs (lease_expires_at) WHERE status = 'running';
        CREATE INDEX jobs_by_time ON jobs (created_at DESC, id DESC);
        CREATE INDEX jobs_by_site ON jobs (site_id, created_at DESC, id DESC);
        CREATE INDEX jobs_by_environment ON jobs (environment_id, created_at DESC, id DESC);
        CREATE INDEX jobs_ended ON jobs (environment_id, finished_at) WHERE finished_at IS NOT NULL;
        -- Locks: never two running jobs for one site or one node.
        CREATE UNIQUE INDEX jobs_one_running_per_site ON jobs (site_id) WHERE status = 'running';
        CREATE UNIQUE INDEX jobs_one_running_per_node ON jobs (node_id) WHERE status = 'running';
        -- The busy guard behind 409: one accepted mutation per site until it has ended.
        CREATE UNIQUE INDEX jobs_one_open_per_site ON jobs (site_id) WHERE status IN ('queued', 'running');
        CREATE UNIQUE INDEX jobs_one_open_provision ON jobs (node_id)
            WHERE job_type = 'node_provision' AND status IN ('queued', 'running');

        -- Numbered through jobs.event_seq, whose row lock makes the order of numbers that of commits: readers see no gap.
        CREATE TABLE job_events (
            job_id uuid NOT NULL REFERENCES jobs,
            seq    bigint NOT NULL CHECK (seq >= 1),
            at     timestamptz NOT NULL DEFAULT clock_timestamp(),
            kind   text NOT NULL CHECK (kind IN ('state', 'progress', 'output')),
            data   jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object'),
            PRIMARY KEY (job_id, seq)
        );
        CREATE INDEX job_events_by_time ON job_events (at);
        """#

    static let audit = #"""
        -- One row per accepted action. Only the result of an action that a job carries out is written later, once.
        CREATE TABLE audit_logs (
            id            uuid PRIMARY KEY,
            user_id       uuid REFERENCES users,
            token_id      text CHECK (token_id <> ''),
            -- The user's e-mail or the token's client.
            actor         text NOT NULL CHECK (actor <> ''),
            action        text NOT NULL CHECK (action <> ''),
            resource_type text NOT NULL CHECK (resource_type IN
                          ('session', 'site', 'environment', 'backup', 'domain', 'job', 'setting', 'node')),
            resource_id   text NOT NULL,
            result        text NOT NULL CHECK (result IN ('accepted', 'succeeded', 'failed', 'cancelled')),
            job_id        uuid REFERENCES jobs,
            created_at    timestamptz NOT NULL DEFAULT now(),
            CHECK (num_nonnulls(user_id, token_id) = 1),
            CHECK (result <> 'accepted' OR job_id IS NOT NULL)
        );
        CREATE UNIQUE INDEX audit_one_per_job ON audit_logs (job_id) WHERE job_id IS NOT NULL AND action <> 'job_cancel';
        CREATE INDEX audit_by_time ON audit_logs (created_at DESC, id DESC);
        """#
}
