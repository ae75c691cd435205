-- Graphile Worker, changed, as its own functions change rows. Each statement repeats the state that a row must be in; rows
-- that somebody holds are left to them, and so are locked jobs: a worker that comes to its end deletes its job whatever
-- became of it meanwhile.

-- name: pending_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT task_identifier AS name, greatest(created_at, run_at) AS at
          FROM {schema}.jobs
         WHERE locked_at IS NULL AND attempts = 0 AND created_at < %(before)s AND run_at < %(before)s
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: pending
-- As complete_jobs: there is no state for what was cancelled. From the end of the order in which workers fetch.
DELETE FROM {schema}._private_jobs
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}._private_jobs
          WHERE locked_at IS NULL AND attempts = 0 AND created_at < %(before)s AND run_at < %(before)s
          ORDER BY priority DESC, run_at DESC, id DESC
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND locked_at IS NULL

-- name: failed_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT task_identifier AS name, {ended} AS at
          FROM {schema}.jobs
         WHERE locked_at IS NULL AND attempts >= max_attempts AND {ended} < %(before)s
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: failed
DELETE FROM {schema}._private_jobs
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}._private_jobs
          WHERE locked_at IS NULL AND attempts >= max_attempts AND {ended} < %(before)s
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND locked_at IS NULL

-- name: grants
-- Row-level security hides the table from all but its owner; a policy lets this role see the rows, but not their payload.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT (id, task_identifier, key, attempts, max_attempts, run_at, created_at, updated_at, locked_at)
   ON {schema}.jobs TO {role};
GRANT SELECT (id, key, priority, attempts, max_attempts, run_at, created_at, updated_at, locked_at),
      DELETE, UPDATE (updated_at) ON {schema}._private_jobs TO {role};
DROP POLICY IF EXISTS system_status_control ON {schema}._private_jobs;
CREATE POLICY system_status_control ON {schema}._private_jobs TO {role} USING (true);
-- The recorder's functions run as the role that changes a job. They look up the name of its task, and write the record.
GRANT SELECT (id, identifier) ON {schema}._private_tasks TO {role};
DROP POLICY IF EXISTS system_status_control ON {schema}._private_tasks;
CREATE POLICY system_status_control ON {schema}._private_tasks FOR SELECT TO {role} USING (true);
DO $body$ BEGIN
  IF to_regclass('system_status.recorded_runs') IS NOT NULL THEN
    GRANT SELECT, INSERT, DELETE, UPDATE (queue) ON system_status.recorded_runs TO {role};
    DROP POLICY IF EXISTS {control_policy} ON system_status.recorded_runs;
    CREATE POLICY {control_policy} ON system_status.recorded_runs TO {role}
      USING (queue = {schema_name}) WITH CHECK (queue = {schema_name});
  END IF;
END $body$;
