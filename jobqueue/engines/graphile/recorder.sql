-- What Graphile Worker deletes or gives up, recorded as it happens. The functions run with the rights of who made them, a
-- role that sees through row-level security. Whatever fails in them is a warning in the log and a run not counted: the
-- statement that they hang on goes on. They wait for nobody longer than a tenth of a second.

-- name: is_there
SELECT EXISTS (SELECT FROM pg_trigger
                WHERE tgrelid = to_regclass(quote_ident({schema_name}) || '._private_jobs')
                  AND tgname = 'system_status_deleted' AND tgenabled <> 'D')

-- name: install
SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE FUNCTION system_status.{deleted}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '100ms' AS $$
DECLARE
  came_in bigint;
BEGIN
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
                              ORDER BY finished_at
                              LIMIT greatest(200, 2 * came_in) FOR UPDATE SKIP LOCKED));
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'system_status: a finished run was not recorded: %', SQLERRM;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION system_status.{given_up}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '100ms' AS $$
BEGIN
  INSERT INTO system_status.recorded_runs (queue, job_type, state, retries, due_at, started_at, finished_at)
  SELECT TG_TABLE_SCHEMA, identifier, 'failed',
         CASE WHEN OLD.updated_at > OLD.locked_at AND OLD.key IS NULL AND OLD.attempts >= OLD.max_attempts THEN 0
              ELSE greatest(OLD.attempts - 1, 0) END,
         greatest(OLD.created_at, OLD.run_at), OLD.locked_at, clock_timestamp()
    FROM {schema}._private_tasks
   WHERE id = OLD.task_id;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'system_status: a failed run was not recorded: %', SQLERRM;
  RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS system_status_deleted ON {schema}._private_jobs;
CREATE TRIGGER system_status_deleted AFTER DELETE ON {schema}._private_jobs
  REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION system_status.{deleted}();

-- A row trigger, for its condition: fetching a job is an update too, and shall cost nothing. A worker gives up a job that it
-- holds, a hand one that waits.
DROP TRIGGER IF EXISTS system_status_given_up ON {schema}._private_jobs;
CREATE TRIGGER system_status_given_up AFTER UPDATE ON {schema}._private_jobs
  FOR EACH ROW
  WHEN (NEW.locked_at IS NULL AND NEW.attempts >= NEW.max_attempts
        AND (OLD.locked_at IS NOT NULL AND NEW.run_at > OLD.run_at
             OR OLD.locked_at IS NULL AND OLD.attempts < OLD.max_attempts))
  EXECUTE FUNCTION system_status.{given_up}();

-- name: remove
SET LOCAL lock_timeout = '5s';
DROP TRIGGER IF EXISTS system_status_deleted ON {schema}._private_jobs;
DROP TRIGGER IF EXISTS system_status_given_up ON {schema}._private_jobs;
DROP FUNCTION IF EXISTS system_status.{deleted}();
DROP FUNCTION IF EXISTS system_status.{given_up}();
