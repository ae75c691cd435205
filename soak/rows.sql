-- What is done to finished rows by hand, or by the engine's own cleaning: the statements that the engines themselves run.
-- "retry" takes jobs that failed in a span of time, "prune" what ended before it, "late" adds one that ends now, when its
-- transaction does.

-- name: retry_ascent
UPDATE ascent.jobs
   SET state = 'pending', finished_at = NULL, started_at = NULL, worker_id = NULL, retries = 0, run_after = now()
 WHERE id IN (SELECT id FROM ascent.jobs
               WHERE state = 'failed' AND finished_at >= %(since)s AND finished_at < %(until)s
               ORDER BY finished_at DESC LIMIT %(jobs)s)

-- name: retry_procrastinate
SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL)
  FROM procrastinate_jobs AS job
 WHERE status = 'failed'
   AND EXISTS (SELECT FROM procrastinate_events
                WHERE job_id = job.id AND type = 'failed' AND at >= %(since)s AND at < %(until)s)
 LIMIT %(jobs)s

-- name: retry_pgboss
UPDATE pgboss.job
   SET state = 'retry', retry_limit = retry_limit + 1, completed_on = NULL, start_after = greatest(start_after, now())
 WHERE id IN (SELECT id FROM pgboss.job
               WHERE state = 'failed' AND completed_on >= %(since)s AND completed_on < %(until)s
               ORDER BY completed_on DESC LIMIT %(jobs)s)

-- name: retry_graphile
-- Its ends stand in a table of ours: a job that is tried again takes none away.
SELECT id
  FROM graphile_worker.reschedule_jobs(
         array(SELECT id FROM graphile_worker._private_jobs
                WHERE attempts >= max_attempts AND locked_at IS NULL
                  AND updated_at >= %(since)s AND updated_at < %(until)s
                LIMIT %(jobs)s),
         run_at := now(), attempts := 0)

-- name: retry_river
UPDATE river_job
   SET state = 'available', scheduled_at = now(), finalized_at = NULL,
       max_attempts = CASE WHEN attempt = max_attempts THEN max_attempts + 1 ELSE max_attempts END
 WHERE id IN (SELECT id FROM river_job
               WHERE state = 'discarded' AND finalized_at >= %(since)s AND finalized_at < %(until)s
               ORDER BY finalized_at DESC LIMIT %(jobs)s)

-- name: retry_oban
UPDATE oban_jobs
   SET state = 'available', max_attempts = greatest(max_attempts, attempt + 1), scheduled_at = timezone('UTC', now()),
       completed_at = NULL, cancelled_at = NULL, discarded_at = NULL
 WHERE id IN (SELECT id FROM oban_jobs
               WHERE state = 'discarded' AND discarded_at >= %(since)s::timestamptz AT TIME ZONE 'UTC'
                 AND discarded_at < %(until)s::timestamptz AT TIME ZONE 'UTC'
               ORDER BY discarded_at DESC LIMIT %(jobs)s)

-- name: prune_ascent
DELETE FROM ascent.jobs WHERE finished_at < %(before)s

-- name: prune_procrastinate
DELETE FROM procrastinate_jobs
 WHERE id IN (SELECT job.id FROM procrastinate_jobs AS job JOIN procrastinate_events AS event ON event.job_id = job.id
               WHERE job.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
               GROUP BY job.id HAVING max(event.at) < %(before)s)

-- name: prune_pgboss
DELETE FROM pgboss.job WHERE state IN ('completed', 'failed', 'cancelled') AND completed_on < %(before)s

-- name: prune_pgqueuer
DELETE FROM pgqueuer_log
 WHERE job_id IN (SELECT job_id FROM pgqueuer_log GROUP BY job_id
                  HAVING max(created) < %(before)s
                     AND bool_or(status IN ('successful', 'exception', 'failed', 'canceled', 'deleted')))

-- name: prune_graphile
DELETE FROM graphile_worker._private_jobs
 WHERE attempts >= max_attempts AND locked_at IS NULL AND updated_at < %(before)s

-- name: prune_river
DELETE FROM river_job WHERE state IN ('completed', 'discarded', 'cancelled') AND finalized_at < %(before)s

-- name: prune_oban
DELETE FROM oban_jobs
 WHERE state = 'completed' AND completed_at < %(before)s::timestamptz AT TIME ZONE 'UTC'
    OR state = 'discarded' AND discarded_at < %(before)s::timestamptz AT TIME ZONE 'UTC'
    OR state = 'cancelled' AND cancelled_at < %(before)s::timestamptz AT TIME ZONE 'UTC'

-- name: late_ascent
INSERT INTO ascent.jobs (job_type, state, started_at, finished_at) VALUES ('mail', 'completed', now(), now())
RETURNING id

-- name: late_river
INSERT INTO river_job (kind, args, state, attempt, attempted_at, finalized_at)
VALUES ('mail', '{{}}', 'completed', 1, now(), now())
RETURNING id

-- name: late_oban
INSERT INTO oban_jobs (worker, args, state, attempt, attempted_at, completed_at)
VALUES ('mail', '{{}}', 'completed', 1, timezone('UTC', now()), timezone('UTC', now()))
RETURNING id

-- name: late_pgboss
INSERT INTO pgboss.job (name, state, retry_limit, retry_delay, retry_backoff, started_on, completed_on, expire_seconds,
                        deletion_seconds, policy)
SELECT name, 'completed', 0, 0, false, now(), now(), 900, 3600, policy FROM pgboss.queue WHERE name = 'mail'
RETURNING id

-- name: set_clock
UPDATE soak.clock SET ahead = %(seconds)s * interval '1 second'

-- name: polled_at
SELECT source, polled_at FROM system_status.sources

-- name: cut
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'system-status exporter'
