-- All failed jobs, tried again by hand as each engine does it.

-- name: ascent
UPDATE ascent.jobs
   SET state = 'pending', finished_at = NULL, started_at = NULL, worker_id = NULL, run_after = now()
 WHERE state = 'failed'

-- name: procrastinate
SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM procrastinate_jobs WHERE status = 'failed'

-- name: pgboss
UPDATE pgboss.job
   SET state = 'retry', retry_limit = retry_limit + 1, completed_on = NULL, start_after = greatest(start_after, now())
 WHERE state = 'failed'

-- name: graphile
SELECT graphile_worker.reschedule_jobs(
         array(SELECT id FROM graphile_worker._private_jobs WHERE attempts >= max_attempts AND locked_at IS NULL),
         run_at := now(), attempts := 0)

-- name: river
UPDATE river_job
   SET state = 'available', scheduled_at = now(), finalized_at = NULL,
       max_attempts = CASE WHEN attempt = max_attempts THEN max_attempts + 1 ELSE max_attempts END
 WHERE state = 'discarded'

-- name: oban
UPDATE oban_jobs
   SET state = 'available', max_attempts = greatest(max_attempts, attempt + 1), scheduled_at = timezone('UTC', now()),
       completed_at = NULL, cancelled_at = NULL, discarded_at = NULL
 WHERE state = 'discarded'
