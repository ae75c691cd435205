-- What the platform's processes do to the queue.

-- name: register_schedule
-- Whether it is enabled and how far it came is the database's to know.
INSERT INTO ascent.schedules (job_type, description, cron, timezone, priority, expire_after, enabled)
VALUES (%(job_type)s, %(description)s, %(cron)s, %(timezone)s, %(priority)s, %(expire_after)s, %(enabled)s)
ON CONFLICT (job_type) DO UPDATE
   SET description = excluded.description, cron = excluded.cron, timezone = excluded.timezone,
       priority = excluded.priority, expire_after = excluded.expire_after

-- name: enabled_schedules
SELECT job_type, cron, timezone, last_enqueued_at, now() AS now FROM ascent.schedules WHERE enabled

-- name: enqueue_tick
-- Of two schedulers that saw the same tick one gets the row; the other finds it locked, or moved on.
WITH due AS (
  SELECT *
    FROM ascent.schedules
   WHERE job_type = %(job_type)s AND enabled
     AND last_enqueued_at IS NOT DISTINCT FROM %(last_enqueued_at)s
     FOR UPDATE SKIP LOCKED
), job AS (
  INSERT INTO ascent.jobs (job_type, priority, payload, origin, max_retries, expires_at)
  SELECT job_type, priority, payload, 'schedule', %(max_retries)s, now() + expire_after FROM due
)
UPDATE ascent.schedules SET last_enqueued_at = now() FROM due WHERE schedules.job_type = due.job_type

-- name: enqueue
-- One job for each organization.
INSERT INTO ascent.jobs (job_type, priority, organization_id, max_retries, run_after)
SELECT %(job_type)s, %(priority)s, organization, %(max_retries)s, now() + %(delay)s
  FROM unnest(%(organizations)s::bigint[]) AS organization

-- name: remember_request
-- A click that the browser sends twice finds its token and queues nothing.
INSERT INTO ascent.idempotency_tokens (token, expires_at) VALUES (%(token)s, now() + interval '10 minutes')
ON CONFLICT DO NOTHING

-- name: drop_expired
UPDATE ascent.jobs
   SET state = 'cancelled', last_error = 'expired', finished_at = now()
 WHERE id IN (SELECT id
                FROM ascent.jobs
               WHERE state IN ('pending', 'retry') AND expires_at <= now()
                 FOR UPDATE SKIP LOCKED)

-- name: fetch
UPDATE ascent.jobs
   SET state = 'active', worker_id = %(worker)s, started_at = now()
 WHERE id = (SELECT id
               FROM ascent.jobs
              WHERE state IN ('pending', 'retry') AND run_after <= now()
                AND (expires_at IS NULL OR expires_at > now())
              ORDER BY priority DESC, run_after, id
              LIMIT 1
                FOR UPDATE SKIP LOCKED)
RETURNING id, job_type, started_at, retries, max_retries

-- name: complete
-- Here and below: a job that somebody took from the worker meanwhile stays as that one left it.
UPDATE ascent.jobs
   SET state = 'completed', finished_at = clock_timestamp(), last_error = NULL
 WHERE id = %(id)s AND state = 'active' AND worker_id = %(worker)s

-- name: retry
UPDATE ascent.jobs
   SET state = 'retry', retries = retries + 1, run_after = now() + %(backoff)s, last_error = %(error)s,
       started_at = NULL, worker_id = NULL
 WHERE id = %(id)s AND state = 'active' AND worker_id = %(worker)s

-- name: fail
UPDATE ascent.jobs
   SET state = 'failed', finished_at = clock_timestamp(), last_error = %(error)s
 WHERE id = %(id)s AND state = 'active' AND worker_id = %(worker)s

-- name: release
UPDATE ascent.jobs
   SET state = CASE WHEN retries > 0 THEN 'retry' ELSE 'pending' END::ascent.job_state,
       started_at = NULL, worker_id = NULL
 WHERE id = %(id)s AND state = 'active' AND worker_id = %(worker)s

-- name: heartbeat
-- A worker that the janitor reaped while it was suspended comes back by its next heartbeat.
INSERT INTO ascent.workers (id, hostname, pid, mode, version, started_at, last_seen_at, processed, failed,
                            current_job_id, current_job_type, current_started_at)
VALUES (%(id)s, %(hostname)s, %(pid)s, %(mode)s, %(version)s, now(), now(), %(processed)s, %(failed)s,
        %(current_job_id)s, %(current_job_type)s, %(current_started_at)s)
ON CONFLICT (id) DO UPDATE
   SET last_seen_at = now(), processed = excluded.processed, failed = excluded.failed,
       current_job_id = excluded.current_job_id, current_job_type = excluded.current_job_type,
       current_started_at = excluded.current_started_at

-- name: deregister
DELETE FROM ascent.workers WHERE id = %(id)s

-- name: busy
SELECT current_job_id IS NOT NULL AS busy FROM ascent.workers WHERE id = %(id)s

-- name: chaos
-- 0xC4A05 is the class of the locks that demo/chaos.sql takes.
SELECT DISTINCT objid::int AS lock
  FROM pg_locks
 WHERE locktype = 'advisory' AND classid = x'C4A05'::int AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
