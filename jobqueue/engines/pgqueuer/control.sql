-- PgQueuer, changed, as its own queries do: a job that ends leaves its table, and adds a row to the log. Each statement
-- repeats the status that a row must have; rows that somebody holds are left to them.

-- name: active_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT entrypoint AS name, updated AS at
          FROM {schema}.pgqueuer
         WHERE status = 'picked' AND updated < %(before)s
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: active
-- A worker that comes to its end later finds no row, and logs nothing.
WITH gone AS (
  DELETE FROM {schema}.pgqueuer
   WHERE id = ANY (ARRAY(
           SELECT id FROM {schema}.pgqueuer
            WHERE status = 'picked' AND updated < %(before)s
            LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
     AND status::text = 'picked'
  RETURNING id, entrypoint, priority
)
INSERT INTO {schema}.pgqueuer_log (job_id, status, entrypoint, priority, traceback)
SELECT id, 'exception', entrypoint, priority,
       jsonb_build_object('job_id', id, 'timestamp', now(), 'exception_type', 'FailedByAdmin',
                          'exception_message', %(reason)s::text, 'traceback', '', 'additional_context', NULL)
  FROM gone

-- name: pending_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT entrypoint AS name, greatest(created, execute_after) AS at
          FROM {schema}.pgqueuer
         WHERE status = 'queued' AND attempts = 0 AND created < %(before)s AND execute_after < %(before)s
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: pending
-- From the end of the order in which workers fetch.
WITH gone AS (
  DELETE FROM {schema}.pgqueuer
   WHERE id = ANY (ARRAY(
           SELECT id FROM {schema}.pgqueuer
            WHERE status = 'queued' AND attempts = 0 AND created < %(before)s AND execute_after < %(before)s
            ORDER BY priority, id DESC
            LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
     AND status::text = 'queued'
  RETURNING id, entrypoint, priority
)
INSERT INTO {schema}.pgqueuer_log (job_id, status, entrypoint, priority, traceback)
SELECT id, 'canceled', entrypoint, priority,
       jsonb_build_object('job_id', id, 'timestamp', now(), 'exception_type', 'CancelledByAdmin',
                          'exception_message', %(reason)s::text, 'traceback', '', 'additional_context', NULL)
  FROM gone

-- name: completed_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT entrypoint AS name, created AS at
          FROM {schema}.pgqueuer_log
         WHERE status = 'successful' AND created < %(before)s
         ORDER BY created
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: completed
-- What the log says of jobs that succeeded, from the oldest on; nothing that it says of another job with the same id.
WITH old AS (
  SELECT id, job_id, {begins_after} AS begins_after FROM {schema}.pgqueuer_log AS log
   WHERE status = 'successful' AND created < %(before)s
   ORDER BY created
   LIMIT %(batch)s FOR UPDATE SKIP LOCKED
),
gone AS (
  DELETE FROM {schema}.pgqueuer_log AS log USING old
   WHERE log.job_id = old.job_id AND log.id <= old.id AND log.id > old.begins_after
)
SELECT FROM old

-- name: failed_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT entrypoint AS name, created AS at
          FROM {schema}.pgqueuer_log AS log
         CROSS JOIN LATERAL (SELECT FROM {schema}.pgqueuer_log AS change
                              WHERE change.job_id = log.job_id
                             HAVING log.status = 'exception' OR max(change.id) = log.id) AS last
         WHERE status IN ('exception', 'failed') AND created < %(before)s
         ORDER BY created
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: failed
-- The same for those that failed, and weren't queued again; held ones leave the table, too.
WITH old AS (
  SELECT id, job_id, status, {begins_after} AS begins_after FROM {schema}.pgqueuer_log AS log
   WHERE status IN ('exception', 'failed') AND created < %(before)s
     AND (status = 'exception'
          OR NOT EXISTS (SELECT FROM {schema}.pgqueuer_log AS later WHERE later.job_id = log.job_id AND later.id > log.id))
   ORDER BY created
   LIMIT %(batch)s FOR UPDATE SKIP LOCKED
),
held AS (
  DELETE FROM {schema}.pgqueuer
   WHERE status = 'failed' AND id = ANY (array(SELECT job_id FROM old WHERE old.status = 'failed'))
),
gone AS (
  DELETE FROM {schema}.pgqueuer_log AS log USING old
   WHERE log.job_id = old.job_id AND log.id <= old.id AND log.id > old.begins_after
)
SELECT FROM old

-- name: grants
-- Locking a row takes the right to update some column of it. The trigger on pgqueuer runs with the rights of who changes it.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT (id, entrypoint, priority, status, attempts, created, updated, execute_after), DELETE, UPDATE (updated)
   ON {schema}.pgqueuer TO {role};
GRANT SELECT (id, job_id, entrypoint, status, created), INSERT (job_id, entrypoint, priority, status, traceback),
      DELETE, UPDATE (aggregated) ON {schema}.pgqueuer_log TO {role};
