-- procrastinate, changed, by the same changes of rows as its own functions make, so that its triggers write the events and
-- notify workers. Each statement repeats the state that a row must be in; rows that somebody holds are left to them.

-- name: session
-- Its triggers name tables without their schema.
SET LOCAL search_path = pg_catalog, {schema}, pg_temp

-- name: refused
-- A role that may create objects in the schema could offer its triggers an operator of its own, which would run with our rights.
SELECT format('every role may create objects in schema %I, where procrastinate''s triggers look for operators; '
              'its owner takes that away with: REVOKE CREATE ON SCHEMA %I FROM PUBLIC', {schema_name}, {schema_name})
 WHERE has_schema_privilege('public', {schema_name}, 'CREATE')

-- name: run_now
-- A copy of the newest periodic job. Its own defer would move the tick; a periodic task needs the argument "timestamp".
WITH last AS (
  SELECT job.id, job.queue_name, job.task_name, job.priority, job.lock, job.queueing_lock, job.args
    FROM {schema}.procrastinate_periodic_defers AS tick
    LEFT JOIN {schema}.procrastinate_jobs AS job ON job.id = tick.job_id
   WHERE tick.task_name = %(job_type)s
   ORDER BY tick.defer_timestamp DESC
   LIMIT 1
),
queued AS (
  INSERT INTO {schema}.procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
  SELECT queue_name, task_name, priority, lock, queueing_lock,
         args || jsonb_build_object('timestamp', extract(epoch FROM now())::bigint)
    FROM last
   WHERE id IS NOT NULL
  RETURNING id
)
SELECT (SELECT id::text FROM queued), 'the job of its newest tick has been deleted, and its arguments with it' FROM last

-- name: active_concerned
SELECT task_name::text AS name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT job.task_name, event.at
          FROM {schema}.procrastinate_jobs AS job
         CROSS JOIN LATERAL (SELECT max(at) AS at FROM {schema}.procrastinate_events
                              WHERE job_id = job.id AND type = 'started') AS event
         WHERE job.status = 'doing' AND event.at < %(before)s
         LIMIT %(at_most)s) AS counted
 GROUP BY task_name

-- name: active
-- As procrastinate_finish_job_v1, but for the flag: a worker's own retry takes failed jobs as well (since 3.4), and only
-- check_not_todo_abort_requested keeps it from queueing this one again. Its worker logs what was refused.
UPDATE {schema}.procrastinate_jobs
   SET status = 'failed', abort_requested = true, attempts = attempts + 1
 WHERE id = ANY (ARRAY(
         SELECT job.id FROM {schema}.procrastinate_jobs AS job
          WHERE job.status = 'doing'
            AND (SELECT max(at) FROM {schema}.procrastinate_events
                  WHERE job_id = job.id AND type = 'started') < %(before)s
          LIMIT %(batch)s FOR UPDATE OF job SKIP LOCKED))
   AND status::text = 'doing'

-- name: pending_concerned
SELECT task_name::text AS name, count(*) AS rows, min(due) AS oldest
  FROM (SELECT job.task_name, greatest(job.scheduled_at, event.at) AS due
          FROM {schema}.procrastinate_jobs AS job
         CROSS JOIN LATERAL (SELECT min(at) AS at FROM {schema}.procrastinate_events
                              WHERE job_id = job.id AND type = 'deferred') AS event
         WHERE job.status = 'todo' AND job.attempts = 0 AND greatest(job.scheduled_at, event.at) < %(before)s
         LIMIT %(at_most)s) AS counted
 GROUP BY task_name

-- name: pending
-- As procrastinate_cancel_job_v1. From the end of the order in which workers fetch.
UPDATE {schema}.procrastinate_jobs
   SET status = 'cancelled'
 WHERE id = ANY (ARRAY(
         SELECT job.id FROM {schema}.procrastinate_jobs AS job
          WHERE job.status = 'todo' AND job.attempts = 0
            AND greatest(job.scheduled_at, (SELECT min(at) FROM {schema}.procrastinate_events
                                             WHERE job_id = job.id AND type = 'deferred')) < %(before)s
          ORDER BY job.priority, job.id DESC
          LIMIT %(batch)s FOR UPDATE OF job SKIP LOCKED))
   AND status::text = 'todo'

-- name: completed_concerned
SELECT task_name::text AS name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT job.task_name, event.at
          FROM {schema}.procrastinate_events AS event
         CROSS JOIN LATERAL (SELECT task_name FROM {schema}.procrastinate_jobs
                              WHERE id = event.job_id AND status = 'succeeded' LIMIT 1) AS job
         WHERE event.type = 'succeeded' AND event.at < %(before)s
           AND event.job_id <> ALL (array(SELECT job_id FROM {schema}.procrastinate_periodic_defers
                                           WHERE job_id IS NOT NULL))
         ORDER BY event.at
         LIMIT %(at_most)s) AS counted
 GROUP BY task_name

-- name: completed
-- The job of a newest tick stays: Run now copies it. From the oldest event on by system_status_finished, each with a look at
-- its job; some more than are deleted, in place of those that somebody holds.
WITH oldest AS MATERIALIZED (
  SELECT event.job_id, event.at
    FROM {schema}.procrastinate_events AS event
   CROSS JOIN LATERAL (SELECT FROM {schema}.procrastinate_jobs
                        WHERE id = event.job_id AND status = 'succeeded' LIMIT 1) AS job
   WHERE event.type = 'succeeded' AND event.at < %(before)s
     AND event.job_id <> ALL (array(SELECT job_id FROM {schema}.procrastinate_periodic_defers
                                     WHERE job_id IS NOT NULL))
   ORDER BY event.at
   LIMIT %(batch)s + 100
)
DELETE FROM {schema}.procrastinate_jobs
 WHERE id = ANY (ARRAY(
         SELECT job.id
           FROM oldest
           JOIN {schema}.procrastinate_jobs AS job ON job.id = oldest.job_id
          WHERE job.status = 'succeeded'
          ORDER BY oldest.at
          LIMIT %(batch)s FOR UPDATE OF job SKIP LOCKED))
   AND status::text = 'succeeded'

-- name: failed_concerned
SELECT task_name::text AS name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT job.task_name, event.at
          FROM {schema}.procrastinate_events AS event
         CROSS JOIN LATERAL (SELECT task_name FROM {schema}.procrastinate_jobs
                              WHERE id = event.job_id AND status = 'failed'
                                AND event.id = (SELECT max(id) FROM {schema}.procrastinate_events AS last
                                                 WHERE last.job_id = event.job_id AND last.type = 'failed')
                              LIMIT 1) AS job
         WHERE event.type = 'failed' AND event.at < %(before)s
           AND event.job_id <> ALL (array(SELECT job_id FROM {schema}.procrastinate_periodic_defers
                                           WHERE job_id IS NOT NULL))
         ORDER BY event.at
         LIMIT %(at_most)s) AS counted
 GROUP BY task_name

-- name: failed
-- The same for those that failed, by the last of their failures.
WITH oldest AS MATERIALIZED (
  SELECT event.job_id, event.at
    FROM {schema}.procrastinate_events AS event
   CROSS JOIN LATERAL (SELECT FROM {schema}.procrastinate_jobs
                        WHERE id = event.job_id AND status = 'failed'
                          AND event.id = (SELECT max(id) FROM {schema}.procrastinate_events AS last
                                           WHERE last.job_id = event.job_id AND last.type = 'failed')
                        LIMIT 1) AS job
   WHERE event.type = 'failed' AND event.at < %(before)s
     AND event.job_id <> ALL (array(SELECT job_id FROM {schema}.procrastinate_periodic_defers
                                     WHERE job_id IS NOT NULL))
   ORDER BY event.at
   LIMIT %(batch)s + 100
)
DELETE FROM {schema}.procrastinate_jobs
 WHERE id = ANY (ARRAY(
         SELECT job.id
           FROM oldest
           JOIN {schema}.procrastinate_jobs AS job ON job.id = oldest.job_id
          WHERE job.status = 'failed'
          ORDER BY oldest.at
          LIMIT %(batch)s FOR UPDATE OF job SKIP LOCKED))
   AND status::text = 'failed'

-- name: workers_concerned
SELECT id::text AS name, 1 AS rows, last_heartbeat AS oldest
  FROM {schema}.procrastinate_workers
 WHERE last_heartbeat < %(before)s
 LIMIT %(at_most)s

-- name: workers
-- As procrastinate_prune_stalled_workers_v1; jobs that were theirs stay "doing" until they are failed.
DELETE FROM {schema}.procrastinate_workers
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.procrastinate_workers
          WHERE last_heartbeat < %(before)s
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND last_heartbeat < %(before)s

-- name: grants
-- Its triggers run with the rights of who changes a row: they write the events, and unlink a tick from a deleted job.
GRANT USAGE ON SCHEMA {schema} TO {role};
-- An older version granted whole tables. Run now copies the arguments of a job, and so reads them.
REVOKE SELECT, INSERT, UPDATE, DELETE
    ON {schema}.procrastinate_jobs, {schema}.procrastinate_events, {schema}.procrastinate_periodic_defers,
       {schema}.procrastinate_workers FROM {role};
GRANT SELECT (id, queue_name, task_name, priority, lock, queueing_lock, args, status, scheduled_at, attempts, worker_id),
      INSERT (queue_name, task_name, priority, lock, queueing_lock, args),
      DELETE, UPDATE (status, abort_requested, attempts) ON {schema}.procrastinate_jobs TO {role};
GRANT SELECT (id, job_id, type, at), INSERT (job_id, type, at) ON {schema}.procrastinate_events TO {role};
GRANT SELECT (task_name, defer_timestamp, job_id), UPDATE (job_id) ON {schema}.procrastinate_periodic_defers TO {role};
GRANT SELECT (id, last_heartbeat), DELETE, UPDATE (last_heartbeat) ON {schema}.procrastinate_workers TO {role};
GRANT USAGE ON {schema}.procrastinate_jobs_id_seq, {schema}.procrastinate_events_id_seq TO {role};
