-- The Ascent queue, changed. Each statement repeats the state that a row must be in; rows that somebody holds are left to
-- them, so that no worker waits and nobody deadlocks. %(before)s is a moment of the database's clock.
--
-- A batch is picked in an array: a sub-select with a limit may be run again for each row when the statistics are old,
-- and then it is no limit. What a row must be is repeated in a way that no index has: the planner keeps to the key.
--
-- A time outside the years 2 to 9998, infinity included, is shown as none at all, as in queries.sql.

-- name: session
-- With old statistics the planner expects a handful of rows, and would sort the whole pile for each batch.
SET LOCAL enable_sort = off

-- name: run_now
-- As the scheduler would, but manual: the schedule's own last tick stays what it was.
INSERT INTO {schema}.jobs (job_type, priority, payload, origin, expires_at)
SELECT job_type, priority, payload, 'manual', now() + expire_after
  FROM {schema}.schedules
 WHERE job_type = %(job_type)s
RETURNING id::text, NULL

-- name: active_concerned
-- A job that doesn't say when it started has been active since it was made, at most.
SELECT job_type AS name, count(*) AS rows,
       min(began) FILTER (WHERE began BETWEEN '0002-01-01' AND '9999-01-01') AS oldest
  FROM (SELECT job_type, coalesce(started_at, created_at) AS began
          FROM {schema}.jobs
         WHERE state = 'active' AND coalesce(started_at, created_at) < %(before)s
         LIMIT %(at_most)s) AS counted
 GROUP BY job_type

-- name: at_active
-- A worker whose job an admin has failed says in its heartbeat that it runs it until it comes to its end.
SELECT DISTINCT worker_id
  FROM (SELECT worker_id FROM {schema}.jobs WHERE state = 'active' LIMIT %(at_most)s) AS active

-- name: active
UPDATE {schema}.jobs
   SET state = 'failed', finished_at = clock_timestamp(), last_error = %(reason)s
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.jobs
          WHERE state = 'active' AND coalesce(started_at, created_at) < %(before)s
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text = 'active'

-- name: pending_concerned
-- The age of a pending job counts from when it became due: one that is planned for tomorrow isn't old.
SELECT job_type AS name, count(*) AS rows,
       min(due) FILTER (WHERE due BETWEEN '0002-01-01' AND '9999-01-01') AS oldest
  FROM (SELECT job_type, greatest(created_at, run_after) AS due
          FROM {schema}.jobs
         WHERE state = 'pending' AND created_at < %(before)s AND run_after < %(before)s
         ORDER BY priority DESC, run_after, id
         LIMIT %(at_most)s) AS counted
 GROUP BY job_type

-- name: pending
-- From the end of the order in which workers fetch: at its head they don't have to step over what is gone.
UPDATE {schema}.jobs
   SET state = 'cancelled', finished_at = clock_timestamp(), last_error = %(reason)s
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.jobs
          WHERE state = 'pending' AND created_at < %(before)s AND run_after < %(before)s
          ORDER BY priority, run_after DESC, id DESC
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text = 'pending'

-- name: completed_concerned
SELECT job_type AS name, count(*) AS rows,
       min(finished_at) FILTER (WHERE finished_at BETWEEN '0002-01-01' AND '9999-01-01') AS oldest
  FROM (SELECT job_type, finished_at
          FROM {schema}.jobs
         WHERE state = 'completed' AND finished_at < %(before)s
         ORDER BY finished_at
         LIMIT %(at_most)s) AS counted
 GROUP BY job_type

-- name: completed
-- In the order of finish: what counts finished rows by the oldest that is still there stays exact.
DELETE FROM {schema}.jobs
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.jobs
          WHERE state = 'completed' AND finished_at < %(before)s
          ORDER BY finished_at
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text = 'completed'

-- name: failed_concerned
SELECT job_type AS name, count(*) AS rows,
       min(finished_at) FILTER (WHERE finished_at BETWEEN '0002-01-01' AND '9999-01-01') AS oldest
  FROM (SELECT job_type, finished_at
          FROM {schema}.jobs
         WHERE state = 'failed' AND finished_at < %(before)s
         ORDER BY finished_at
         LIMIT %(at_most)s) AS counted
 GROUP BY job_type

-- name: failed
DELETE FROM {schema}.jobs
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.jobs
          WHERE state = 'failed' AND finished_at < %(before)s
          ORDER BY finished_at
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text = 'failed'

-- name: workers_concerned
SELECT id AS name, 1 AS rows,
       CASE WHEN last_seen_at BETWEEN '0002-01-01' AND '9999-01-01' THEN last_seen_at END AS oldest
  FROM {schema}.workers
 WHERE last_seen_at < %(before)s
 LIMIT %(at_most)s

-- name: workers
DELETE FROM {schema}.workers
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.workers
          WHERE last_seen_at < %(before)s
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND (last_seen_at < %(before)s) IS TRUE

-- name: tokens_concerned
SELECT '' AS name, count(*) AS rows,
       min(expires_at) FILTER (WHERE expires_at BETWEEN '0002-01-01' AND '9999-01-01') AS oldest
  FROM (SELECT expires_at
          FROM {schema}.idempotency_tokens
         WHERE expires_at < %(before)s
         ORDER BY expires_at
         LIMIT %(at_most)s) AS counted
HAVING count(*) > 0

-- name: tokens
DELETE FROM {schema}.idempotency_tokens
 WHERE token = ANY (ARRAY(
         SELECT token FROM {schema}.idempotency_tokens
          WHERE expires_at < %(before)s
          ORDER BY expires_at
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND (expires_at < %(before)s) IS TRUE

-- name: grants
-- Locking a row that is passed over or deleted takes the right to update some column of it.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT (id, job_type, state, priority, run_after, created_at, started_at, finished_at) ON {schema}.jobs TO {role};
GRANT INSERT (job_type, priority, payload, origin, expires_at) ON {schema}.jobs TO {role};
GRANT UPDATE (state, finished_at, last_error) ON {schema}.jobs TO {role};
GRANT DELETE ON {schema}.jobs TO {role};
-- An older version granted whole tables. Run now copies the payload of a schedule, and so reads it.
REVOKE SELECT ON {schema}.schedules, {schema}.workers, {schema}.idempotency_tokens FROM {role};
GRANT SELECT (job_type, description, cron, timezone, priority, expire_after, payload, enabled, last_enqueued_at)
   ON {schema}.schedules TO {role};
GRANT SELECT (id, hostname, pid, mode, version, started_at, last_seen_at, processed, failed, current_job_type,
              current_started_at),
      DELETE, UPDATE (last_seen_at) ON {schema}.workers TO {role};
GRANT SELECT (token, expires_at), DELETE, UPDATE (expires_at) ON {schema}.idempotency_tokens TO {role};
