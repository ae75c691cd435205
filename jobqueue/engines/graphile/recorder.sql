-- Graphile Worker's triggers of ours, which record what it deletes or gives up. Their functions run with the rights of the role
-- that changes a job, and lend it no others: a SECURITY DEFINER function lends its owner's rights to every role that finds a way
-- to feed it. So these roles have the right to write the records of their own queue, by the policy that "install" makes.
-- A failure in a function is a warning in the log and a run not counted: the worker's statement goes on. The functions wait
-- no longer than a tenth of a second for a lock.

-- name: is_there
SELECT EXISTS (SELECT FROM pg_trigger
                WHERE tgrelid = to_regclass({jobs_name})
                  AND tgname = 'system_status_deleted' AND tgenabled <> 'D')

-- name: knows_ends
-- Whether the records say which job ended when its row doesn't: those of an older recorder don't.
SELECT EXISTS (SELECT FROM pg_attribute
                WHERE attrelid = to_regclass('system_status.recorded_runs') AND attname = 'job_id' AND NOT attisdropped)

-- name: changing_roles
-- The roles that may change jobs, ready to be written into a statement: by a grant on the table or on one of its columns.
SELECT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS role
  FROM (SELECT acl.grantee, acl.privilege_type
          FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) AS acl
         WHERE pg_class.oid = to_regclass({jobs_name})
         UNION ALL
        SELECT acl.grantee, acl.privilege_type
          FROM pg_attribute, aclexplode(attacl) AS acl
         WHERE attrelid = to_regclass({jobs_name})
         UNION ALL
        SELECT relowner, 'DELETE' FROM pg_class WHERE oid = to_regclass({jobs_name})) AS granted
 WHERE privilege_type IN ('DELETE', 'UPDATE')

-- name: unrecorded_roles
-- The roles that may change jobs but not record their ends: runs that end by them aren't counted.
SELECT DISTINCT changing.role
  FROM ({changing_roles}) AS changing
 WHERE changing.role <> 'PUBLIC'
   AND NOT (has_schema_privilege(changing.role::regrole, 'system_status', 'USAGE')
            AND has_table_privilege(changing.role::regrole, 'system_status.recorded_runs', 'INSERT')
            -- The table's owner and a role that passes by row-level security need no policy of this queue's.
            AND (EXISTS (SELECT FROM pg_roles WHERE oid = changing.role::regrole AND (rolbypassrls OR rolsuper))
                 OR EXISTS (SELECT FROM pg_class
                             WHERE oid = to_regclass('system_status.recorded_runs')
                               AND pg_has_role(changing.role::regrole, relowner, 'USAGE'))
                 OR EXISTS (SELECT FROM pg_policy CROSS JOIN unnest(polroles) AS allowed
                             WHERE polrelid = to_regclass('system_status.recorded_runs')
                               AND polname IN ({recording_name}, {control_policy_name})
                               AND (allowed = 0 OR pg_has_role(changing.role::regrole, allowed, 'USAGE')))))
 ORDER BY 1

-- name: lends_rights
-- Whether the functions are an older recorder's, which ran with their owner's rights for every role.
SELECT EXISTS (SELECT FROM pg_proc
                WHERE pronamespace = to_regnamespace('system_status')
                  AND proname IN ({deleted_name}::name, {given_up_name}::name)
                  AND (prosecdef OR has_function_privilege('public', oid, 'EXECUTE')))

-- name: install
SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE FUNCTION system_status.{deleted}() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '100ms' AS $body$
DECLARE
  came_in bigint;
BEGIN
  IF TG_RELID <> to_regclass({jobs_name}) THEN
    RAISE EXCEPTION 'this function records the jobs of Graphile Worker alone';
  END IF;
  -- A worker holds the lock of the job that it completes; a waiting one was removed; the end of one given up is known. One
  -- that was replaced or removed by its key while it ran lost it, and has all attempts for used up since: how many there
  -- were nobody knows.
  INSERT INTO system_status.recorded_runs (queue, job_type, state, retries, due_at, started_at, finished_at)
  SELECT TG_TABLE_SCHEMA, task.identifier, CASE WHEN locked_at IS NULL THEN 'cancelled' ELSE 'completed' END,
         CASE WHEN updated_at > locked_at AND key IS NULL AND attempts >= max_attempts THEN 0
              ELSE greatest(attempts - 1, 0) END,
         greatest(created_at, run_at), locked_at, clock_timestamp()
    FROM gone
    JOIN {schema}._private_tasks AS task ON task.id = gone.task_id
   WHERE locked_at IS NOT NULL OR attempts < max_attempts;
  -- Once for each hundred, what is an hour old goes: twice as much as comes in, and nothing that somebody else deletes.
  GET DIAGNOSTICS came_in = ROW_COUNT;
  IF random() < 0.01 * came_in THEN
    DELETE FROM system_status.recorded_runs
     WHERE ctid = ANY (array(SELECT ctid FROM system_status.recorded_runs
                              WHERE queue = TG_TABLE_SCHEMA AND finished_at < now() - interval '1 hour'
                                AND (job_id IS NULL
                                     OR NOT EXISTS (SELECT FROM {schema}._private_jobs AS job WHERE job.id = job_id))
                              ORDER BY finished_at
                              LIMIT greatest(200, 2 * came_in) FOR UPDATE SKIP LOCKED));
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'system_status: a finished run was not recorded: %', SQLERRM;
  RETURN NULL;
END $body$;
REVOKE EXECUTE ON FUNCTION system_status.{deleted}() FROM PUBLIC;

CREATE OR REPLACE FUNCTION system_status.{given_up}() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '100ms' AS $body$
BEGIN
  IF TG_RELID <> to_regclass({jobs_name}) THEN
    RAISE EXCEPTION 'this function records the jobs of Graphile Worker alone';
  END IF;
  -- A job whose lock was taken away keeps its times, from which its end doesn't follow: it is found by its id.
  INSERT INTO system_status.recorded_runs (queue, job_type, state, retries, due_at, started_at, finished_at, job_id)
  SELECT TG_TABLE_SCHEMA, identifier, 'failed',
         CASE WHEN OLD.updated_at > OLD.locked_at AND OLD.key IS NULL AND OLD.attempts >= OLD.max_attempts THEN 0
              ELSE greatest(OLD.attempts - 1, 0) END,
         greatest(OLD.created_at, OLD.run_at), OLD.locked_at, clock_timestamp(),
         (SELECT CASE WHEN {ended} BETWEEN clock_timestamp() - interval '1 second' AND clock_timestamp() THEN NULL
                      ELSE NEW.id END
            FROM (SELECT NEW.*) AS job)
    FROM {schema}._private_tasks
   WHERE id = OLD.task_id;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'system_status: a failed run was not recorded: %', SQLERRM;
  RETURN NULL;
END $body$;
REVOKE EXECUTE ON FUNCTION system_status.{given_up}() FROM PUBLIC;

-- Every role that may change jobs may record their ends, and no record of another queue. Deleting an hour-old record takes the
-- right to lock it, and so the right to update a column.
DROP POLICY IF EXISTS {recording} ON system_status.recorded_runs;
DO $body$
DECLARE
  roles text := (SELECT string_agg(DISTINCT changing.role, ', ') FROM ({changing_roles}) AS changing);
BEGIN
  EXECUTE format('CREATE POLICY %I ON system_status.recorded_runs TO %s USING (queue = %L) WITH CHECK (queue = %L)',
                 {recording_name}, roles, {schema_name}, {schema_name});
  EXECUTE format('GRANT USAGE ON SCHEMA system_status TO %s', roles);
  EXECUTE format('GRANT SELECT, INSERT, DELETE, UPDATE (queue) ON system_status.recorded_runs TO %s', roles);
END $body$;

DROP TRIGGER IF EXISTS system_status_deleted ON {schema}._private_jobs;
CREATE TRIGGER system_status_deleted AFTER DELETE ON {schema}._private_jobs
  REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION system_status.{deleted}();

-- A row trigger, for its condition: fetching a job is an update too, and shall cost nothing. A worker gives up a job that it
-- holds, or dies with it and the job is unlocked without an attempt left; a hand gives up one that waits.
DROP TRIGGER IF EXISTS system_status_given_up ON {schema}._private_jobs;
CREATE TRIGGER system_status_given_up AFTER UPDATE ON {schema}._private_jobs
  FOR EACH ROW
  WHEN (NEW.locked_at IS NULL AND NEW.attempts >= NEW.max_attempts
        AND (OLD.locked_at IS NOT NULL OR OLD.attempts < OLD.max_attempts))
  EXECUTE FUNCTION system_status.{given_up}();

-- name: remove
SET LOCAL lock_timeout = '5s';
DROP TRIGGER IF EXISTS system_status_deleted ON {schema}._private_jobs;
DROP TRIGGER IF EXISTS system_status_given_up ON {schema}._private_jobs;
DROP FUNCTION IF EXISTS system_status.{deleted}();
DROP FUNCTION IF EXISTS system_status.{given_up}();
DROP POLICY IF EXISTS {recording} ON system_status.recorded_runs;
