-- What Oban's client and its workers do, to the rows that concern a job.

-- name: enqueue
WITH queued AS (
  INSERT INTO oban_jobs (worker, args, max_attempts, state, scheduled_at, meta)
  VALUES (%(job_type)s, %(args)s, %(attempts)s,
          CASE WHEN %(delay)s > 0 THEN 'scheduled' ELSE 'available' END::oban_job_state,
          timezone('UTC', now()) + %(delay)s * interval '1 second',
          CASE WHEN %(tick)s THEN '{{"cron": true, "cron_expr": "* * * * *"}}' ELSE '{{}}' END::jsonb)
  RETURNING id
)
SELECT id::text, pg_notify('public.oban_insert', '{{"queue": "default"}}') FROM queued

-- name: listen
LISTEN "public.oban_insert"; LISTEN "public.oban_signal"

-- name: stage
UPDATE oban_jobs SET state = 'available'
 WHERE state IN ('retryable', 'scheduled') AND scheduled_at <= timezone('UTC', now())

-- name: fetch
UPDATE oban_jobs
   SET state = 'executing', attempt = attempt + 1, attempted_at = timezone('UTC', now()),
       attempted_by = array['node', '6f1f3b57-6d0a-4a27-9d42-0d1f6a5fd8c1']
 WHERE id IN (SELECT id FROM oban_jobs
               WHERE state = 'available' AND worker <> %(nobody)s AND queue = 'default'
               ORDER BY priority, scheduled_at, id
               LIMIT %(free)s FOR UPDATE SKIP LOCKED)
RETURNING id, args, attempt, attempt >= max_attempts

-- name: complete
UPDATE oban_jobs SET state = 'completed', completed_at = timezone('UTC', now())
 WHERE id = %(id)s AND state = 'executing'

-- name: retry
UPDATE oban_jobs
   SET state = 'retryable', scheduled_at = timezone('UTC', now()) + %(pause)s * interval '1 second',
       errors = errors || '{{"error": "failed as told"}}'::jsonb
 WHERE id = %(id)s AND state = 'executing'

-- name: discard
UPDATE oban_jobs
   SET state = 'discarded', discarded_at = timezone('UTC', now()),
       errors = errors || '{{"error": "failed as told"}}'::jsonb
 WHERE id = %(id)s AND state = 'executing'

-- name: cancel
UPDATE oban_jobs SET state = 'cancelled', cancelled_at = timezone('UTC', now())
 WHERE id = %(id)s AND state <> 'executing'

-- name: killed
-- What Elixir's producer writes of a job whose process it has killed, whatever stands there.
UPDATE oban_jobs SET state = 'cancelled', cancelled_at = timezone('UTC', now()) WHERE id = %(id)s

-- name: counts
SELECT worker, state::text, count(*) FROM oban_jobs GROUP BY 1, 2

-- name: beat
INSERT INTO oban_producers (uuid, node, queue)
VALUES ('6f1f3b57-6d0a-4a27-9d42-0d1f6a5fd8c1', 'node', 'default')
ON CONFLICT (uuid) DO UPDATE SET updated_at = timezone('UTC', now())
