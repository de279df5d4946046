extension SiteSchema {
    /// The program's transition tables again, and what may never change. A test compares both.
    static let guards = #"""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% of % is not allowed', TG_OP, TG_TABLE_NAME USING ERRCODE = 'check_violation';
        END $$;

        -- Rows that are history: nobody changes, removes or empties them.
        CREATE TRIGGER drift_checks_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON drift_checks
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER audit_logs_kept BEFORE DELETE OR TRUNCATE ON audit_logs
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER releases_kept BEFORE DELETE OR TRUNCATE ON releases FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER jobs_kept BEFORE DELETE OR TRUNCATE ON jobs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER job_events_immutable BEFORE UPDATE OR TRUNCATE ON job_events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

        CREATE FUNCTION lifecycle_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
                ('active', 'cloning'), ('active', 'deploying'), ('active', 'restoring'),
                ('cloning', 'active'), ('deploying', 'active'), ('restoring', 'active'),
                ('cloning', 'failed'), ('deploying', 'failed'), ('restoring', 'failed'), ('failed', 'active'))
            THEN
                RAISE EXCEPTION '% do not go from % to %', TG_TABLE_NAME, OLD.status, NEW.status
                    USING ERRCODE = 'check_violation';
            END IF;
            IF (NEW.id, NEW.slug, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.slug, OLD.created_at) THEN
                RAISE EXCEPTION 'what one of % is does not change', TG_TABLE_NAME USING ERRCODE = 'check_violation';
            END IF;
            NEW.state_version := OLD.state_version + 1;
            NEW.updated_at := now();
            RETURN NEW;
        END $$;
        CREATE TRIGGER lifecycle BEFORE UPDATE ON sites FOR EACH ROW EXECUTE FUNCTION lifecycle_guard();
        CREATE TRIGGER lifecycle BEFORE UPDATE ON environments FOR EACH ROW EXECUTE FUNCTION lifecycle_guard();

        CREATE FUNCTION environment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (NEW.site_id, NEW.environment_type, NEW.source_environment_id, NEW.promotion_preset, NEW.preview_url)
                IS DISTINCT FROM
                (OLD.site_id, OLD.environment_type, OLD.source_environment_id, OLD.promotion_preset, OLD.preview_url)
            THEN
                RAISE EXCEPTION 'what an environment is does not change' USING ERRCODE = 'check_violation';
            END IF;
            -- Its drift is what its last check found, or unknown. The check is written first.
            IF NEW.drift_status <> 'unknown'
                AND (NEW.drift_status, NEW.last_drift_check_id) IS DISTINCT FROM (OLD.drift_status, OLD.last_drift_check_id)
                AND NOT EXISTS (
                    SELECT FROM drift_checks WHERE id = NEW.last_drift_check_id AND environment_id = NEW.id
                        AND kind = 'check' AND status = NEW.drift_status)
            THEN
                RAISE EXCEPTION 'no drift check says %', NEW.drift_status USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER what_it_is BEFORE UPDATE ON environments FOR EACH ROW EXECUTE FUNCTION environment_guard();

        CREATE FUNCTION node_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
                ('provisioning', 'active'), ('provisioning', 'unreachable'), ('provisioning', 'decommissioned'),
                ('active', 'unreachable'), ('active', 'decommissioned'),
                ('unreachable', 'active'), ('unreachable', 'decommissioned'))
            THEN
                RAISE EXCEPTION 'a node does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
            END IF;
            NEW.state_version := OLD.state_version + 1;
            NEW.updated_at := now();
            RETURN NEW;
        END $$;
        CREATE TRIGGER states BEFORE UPDATE ON nodes FOR EACH ROW EXECUTE FUNCTION node_guard();

        CREATE FUNCTION release_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.health_status <> NEW.health_status AND (OLD.health_status, NEW.health_status) NOT IN (
                ('unknown', 'healthy'), ('unknown', 'unhealthy'), ('healthy', 'unhealthy'))
            THEN
                RAISE EXCEPTION 'a release does not go from % to %', OLD.health_status, NEW.health_status
                    USING ERRCODE = 'check_violation';
            END IF;
            IF (NEW.id, NEW.environment_id, NEW.source_type, NEW.source_ref, NEW.path, NEW.notes, NEW.created_at)
                IS DISTINCT FROM
                (OLD.id, OLD.environment_id, OLD.source_type, OLD.source_ref, OLD.path, OLD.notes, OLD.created_at)
            THEN
                RAISE EXCEPTION 'what a release is does not change' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER states BEFORE UPDATE ON releases FOR EACH ROW EXECUTE FUNCTION release_guard();

        CREATE FUNCTION domain_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.tls_status <> NEW.tls_status AND (OLD.tls_status, NEW.tls_status) NOT IN (
                ('pending', 'active'), ('pending', 'failed'))
            THEN
                RAISE EXCEPTION 'a domain does not go from % to %', OLD.tls_status, NEW.tls_status
                    USING ERRCODE = 'check_violation';
            END IF;
            IF (NEW.id, NEW.environment_id, NEW.hostname, NEW.created_at)
                IS DISTINCT FROM (OLD.id, OLD.environment_id, OLD.hostname, OLD.created_at)
            THEN
                RAISE EXCEPTION 'what a domain is does not change' USING ERRCODE = 'check_violation';
            END IF;
            NEW.updated_at := now();
            RETURN NEW;
        END $$;
        CREATE TRIGGER states BEFORE UPDATE ON domains FOR EACH ROW EXECUTE FUNCTION domain_guard();

        CREATE FUNCTION backup_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
                ('pending', 'running'), ('pending', 'failed'), ('running', 'completed'), ('running', 'failed'),
                ('completed', 'expired'))
            THEN
                RAISE EXCEPTION 'a backup does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
            END IF;
            IF (NEW.id, NEW.environment_id, NEW.backup_scope, NEW.storage_path)
                IS DISTINCT FROM (OLD.id, OLD.environment_id, OLD.backup_scope, OLD.storage_path)
            THEN
                RAISE EXCEPTION 'what a backup is does not change' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER states BEFORE UPDATE ON backups FOR EACH ROW EXECUTE FUNCTION backup_guard();

        CREATE FUNCTION job_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status IN ('succeeded', 'failed', 'cancelled') THEN
                RAISE EXCEPTION 'a job that is % does not change', OLD.status USING ERRCODE = 'check_violation';
            END IF;
            IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
                ('queued', 'running'), ('queued', 'cancelled'), ('running', 'queued'), ('running', 'succeeded'),
                ('running', 'failed'), ('running', 'cancelled'))
            THEN
                RAISE EXCEPTION 'a job does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
            END IF;
            IF (NEW.id, NEW.job_type, NEW.site_id, NEW.environment_id, NEW.node_id, NEW.payload_json, NEW.max_attempts,
                NEW.created_at)
                IS DISTINCT FROM
                (OLD.id, OLD.job_type, OLD.site_id, OLD.environment_id, OLD.node_id, OLD.payload_json, OLD.max_attempts,
                OLD.created_at)
            THEN
                RAISE EXCEPTION 'what a job is does not change' USING ERRCODE = 'check_violation';
            END IF;
            -- An attempt begins with a claim, and with a term that no one held before.
            IF OLD.status = 'queued' AND NEW.status = 'running' THEN
                IF NEW.attempt_count <> OLD.attempt_count + 1 OR NEW.fencing_term <= coalesce(OLD.fencing_term, 0) THEN
                    RAISE EXCEPTION 'a claim counts its attempt and takes a new term' USING ERRCODE = 'check_violation';
                END IF;
            ELSIF NEW.fencing_term IS DISTINCT FROM OLD.fencing_term
                -- A worker that is told to stop hands its job back as if it had not begun.
                OR NOT (NEW.attempt_count = OLD.attempt_count
                    OR (OLD.status = 'running' AND NEW.status = 'queued' AND NEW.attempt_count = OLD.attempt_count - 1))
            THEN
                RAISE EXCEPTION 'attempt and term change with a claim alone' USING ERRCODE = 'check_violation';
            END IF;
            IF NEW.event_seq < OLD.event_seq THEN
                RAISE EXCEPTION 'events are never taken back' USING ERRCODE = 'check_violation';
            END IF;
            NEW.updated_at := now();
            RETURN NEW;
        END $$;
        CREATE TRIGGER states BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION job_guard();

        CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.result <> 'accepted' OR NEW.result = 'accepted'
                OR (NEW.id, NEW.user_id, NEW.token_id, NEW.actor, NEW.action, NEW.resource_type, NEW.resource_id, NEW.job_id,
                    NEW.created_at)
                IS DISTINCT FROM
                (OLD.id, OLD.user_id, OLD.token_id, OLD.actor, OLD.action, OLD.resource_type, OLD.resource_id, OLD.job_id,
                    OLD.created_at)
            THEN
                RAISE EXCEPTION 'an audit row takes its result once, and nothing else' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER result_once BEFORE UPDATE ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_guard();
        """#
}
