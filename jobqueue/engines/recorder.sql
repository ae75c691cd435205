-- Where an engine deletes what has finished: a table of finished runs that its triggers write, kept for an hour. There
-- only when it was asked for.

-- name: make_table
CREATE TABLE IF NOT EXISTS system_status.recorded_runs (
  queue       text        NOT NULL,  -- the schema of the engine's tables
  job_type    text        NOT NULL,
  state       text        NOT NULL,  -- completed, failed, cancelled
  retries     integer     NOT NULL,
  due_at      timestamptz NOT NULL,
  started_at  timestamptz,
  finished_at timestamptz NOT NULL,
  id          bigint      GENERATED ALWAYS AS IDENTITY,
  job_id      bigint  -- of a job that is still there and doesn't say itself when it ended
);
ALTER TABLE system_status.recorded_runs ADD COLUMN IF NOT EXISTS job_id bigint;
CREATE INDEX IF NOT EXISTS recorded_runs_finished ON system_status.recorded_runs (queue, finished_at);
CREATE INDEX IF NOT EXISTS recorded_runs_job ON system_status.recorded_runs (queue, job_id) WHERE job_id IS NOT NULL;
-- A role that may read the table reads all of it; the records that it may write are those of its own queue.
ALTER TABLE system_status.recorded_runs ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS system_status_read ON system_status.recorded_runs;
CREATE POLICY system_status_read ON system_status.recorded_runs FOR SELECT USING (true);

-- name: remove_table
DROP TABLE IF EXISTS system_status.recorded_runs;

-- name: finished
-- recorded_runs_finished.
SELECT id::text AS id, job_type, state, retries, due_at, started_at, finished_at
  FROM system_status.recorded_runs
 WHERE queue = {queue} AND finished_at >= %(since)s AND finished_at < %(until)s

-- name: first_completed
-- Not the first record: that of a job which is still there is kept for longer than an hour.
SELECT min(finished_at) FROM system_status.recorded_runs WHERE queue = {queue} AND state = 'completed'

-- name: grants
DO $body$ BEGIN
  IF to_regclass('system_status.recorded_runs') IS NOT NULL THEN
    GRANT USAGE ON SCHEMA system_status TO {role};
    GRANT SELECT ON system_status.recorded_runs TO {role};
  END IF;
END $body$;
