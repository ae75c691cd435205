-- Oban, changed, as its own engine changes rows. Each statement repeats the state that a row must be in; rows that
-- somebody holds are left to them.

-- name: run_now
-- A copy of the newest job that cron inserted, which is no tick. Nobody but us tells the workers: there is no trigger.
WITH last AS (
  SELECT queue, worker, args, meta, tags, priority, max_attempts
    FROM {schema}.oban_jobs
   WHERE worker = %(job_type)s AND meta @> '{{"cron": true}}'
   ORDER BY id DESC
   LIMIT 1
),
queued AS (
  INSERT INTO {schema}.oban_jobs (state, queue, worker, args, meta, tags, priority, max_attempts)
  SELECT 'available', queue, worker, args,
         meta - array['cron', 'cron_at', 'cancel_attempted_at', 'rescued', 'snoozed', 'recorded', 'return', 'uniq_bmp']
           || '{{"run_now": true}}',
         tags, priority, max_attempts
    FROM last
  RETURNING id, queue
),
told AS MATERIALIZED (
  SELECT count(pg_notify({schema_name} || '.oban_insert', jsonb_build_object('queue', queue)::text)) FROM queued
)
SELECT (SELECT id::text FROM queued), NULL FROM last CROSS JOIN told

-- name: active_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT worker AS name, attempted_at AT TIME ZONE 'UTC' AS at
          FROM {schema}.oban_jobs
         WHERE state = 'executing' AND attempted_at < %(before)s::timestamptz AT TIME ZONE 'UTC'
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: active
-- For good, without the attempts that are left, and with the signal by which Oban stops a job that it cancels: in Elixir
-- its process is killed; in Python it may go on, and its end is no longer written.
WITH old AS (
  SELECT id FROM {schema}.oban_jobs
   WHERE state = 'executing' AND attempted_at < %(before)s::timestamptz AT TIME ZONE 'UTC'
   LIMIT %(batch)s FOR UPDATE SKIP LOCKED
),
ended AS (
  UPDATE {schema}.oban_jobs
     SET state = 'discarded', discarded_at = now() AT TIME ZONE 'UTC',
         errors = errors || jsonb_build_object('at', now(), 'attempt', attempt, 'error', %(reason)s::text)
   WHERE state = 'executing' AND id IN (SELECT id FROM old)
  RETURNING id
)
SELECT pg_notify({schema_name} || '.oban_signal', jsonb_build_object('action', 'pkill', 'job_id', id)::text) FROM ended

-- name: pending_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT worker AS name, greatest(inserted_at, scheduled_at) AT TIME ZONE 'UTC' AS at
          FROM {schema}.oban_jobs
         WHERE state IN ('available', 'scheduled') AND attempt = 0
           AND greatest(inserted_at, scheduled_at) < %(before)s::timestamptz AT TIME ZONE 'UTC'
         ORDER BY state, queue, priority, scheduled_at, id
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: pending
-- From the end of the order in which producers fetch.
UPDATE {schema}.oban_jobs
   SET state = 'cancelled', cancelled_at = now() AT TIME ZONE 'UTC',
       errors = errors || jsonb_build_object('at', now(), 'attempt', attempt, 'error', %(reason)s::text)
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.oban_jobs
          WHERE state IN ('available', 'scheduled') AND attempt = 0
            AND greatest(inserted_at, scheduled_at) < %(before)s::timestamptz AT TIME ZONE 'UTC'
          ORDER BY priority DESC, scheduled_at DESC, id DESC
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text IN ('available', 'scheduled')

-- name: newest_ticks
-- system_status_cron. What Run now copies stays.
SELECT max(id) FROM {schema}.oban_jobs WHERE meta @> '{{"cron": true}}' GROUP BY worker

-- name: completed_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT worker AS name, completed_at AT TIME ZONE 'UTC' AS at
          FROM {schema}.oban_jobs
         WHERE state = 'completed' AND completed_at < %(before)s::timestamptz AT TIME ZONE 'UTC'
           AND id <> ALL (array({newest_ticks}))
         ORDER BY completed_at
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: completed
DELETE FROM {schema}.oban_jobs
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.oban_jobs
          WHERE state = 'completed' AND completed_at < %(before)s::timestamptz AT TIME ZONE 'UTC'
            AND id <> ALL (array({newest_ticks}))
          ORDER BY completed_at
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text = 'completed'

-- name: failed_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT worker AS name, discarded_at AT TIME ZONE 'UTC' AS at
          FROM {schema}.oban_jobs
         WHERE state = 'discarded' AND discarded_at < %(before)s::timestamptz AT TIME ZONE 'UTC'
           AND id <> ALL (array({newest_ticks}))
         ORDER BY discarded_at
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: failed
DELETE FROM {schema}.oban_jobs
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.oban_jobs
          WHERE state = 'discarded' AND discarded_at < %(before)s::timestamptz AT TIME ZONE 'UTC'
            AND id <> ALL (array({newest_ticks}))
          ORDER BY discarded_at
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text = 'discarded'

-- name: grants
GRANT USAGE ON SCHEMA {schema} TO {role};
-- An older version granted the whole table. Run now copies the arguments of a job, and so reads them; a job that is failed or
-- cancelled keeps the errors that it has, which takes the right to read them.
REVOKE SELECT, INSERT, UPDATE, DELETE ON {schema}.oban_jobs FROM {role};
GRANT SELECT (id, worker, queue, state, args, meta, tags, errors, priority, attempt, max_attempts, attempted_by, inserted_at,
              scheduled_at, attempted_at, completed_at, discarded_at, cancelled_at),
      INSERT (state, queue, worker, args, meta, tags, priority, max_attempts),
      DELETE, UPDATE (state, discarded_at, cancelled_at, errors) ON {schema}.oban_jobs TO {role};
GRANT USAGE ON {schema}.oban_jobs_id_seq TO {role};
