-- What River's client and its workers do, to the rows that concern a job.

-- name: enqueue
WITH queued AS (
  INSERT INTO river_job (kind, args, max_attempts, state, scheduled_at, metadata)
  VALUES (%(job_type)s, %(args)s, %(attempts)s,
          CASE WHEN %(delay)s > 0 THEN 'scheduled' ELSE 'available' END::river_job_state,
          now() + %(delay)s * interval '1 second',
          CASE WHEN %(tick)s THEN '{{"periodic": true}}' ELSE '{{}}' END::jsonb)
  RETURNING id
)
SELECT id::text, pg_notify('public.river_insert', '{{"queue": "default"}}') FROM queued

-- name: listen
LISTEN "public.river_insert"; LISTEN "public.river_control"

-- name: stage
UPDATE river_job SET state = 'available' WHERE state IN ('retryable', 'scheduled') AND scheduled_at <= now()

-- name: fetch
UPDATE river_job
   SET state = 'running', attempt = attempt + 1, attempted_at = now(),
       attempted_by = array_append(attempted_by, 'client')
 WHERE id IN (SELECT id FROM river_job
               WHERE state = 'available' AND kind <> %(nobody)s AND queue = 'default' AND scheduled_at <= now()
               ORDER BY priority, scheduled_at, id
               LIMIT %(free)s FOR UPDATE SKIP LOCKED)
RETURNING id, args, attempt, attempt >= max_attempts

-- name: complete
UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = %(id)s AND state = 'running'

-- name: retry
UPDATE river_job
   SET state = CASE WHEN %(pause)s > 5 THEN 'retryable' ELSE 'available' END::river_job_state,
       scheduled_at = now() + %(pause)s * interval '1 second',
       errors = array_append(errors, '{{"error": "failed as told"}}'::jsonb)
 WHERE id = %(id)s AND state = 'running'

-- name: discard
UPDATE river_job
   SET state = 'discarded', finalized_at = now(), errors = array_append(errors, '{{"error": "failed as told"}}'::jsonb)
 WHERE id = %(id)s AND state = 'running'

-- name: cancel
UPDATE river_job SET state = 'cancelled', finalized_at = now() WHERE id = %(id)s AND state <> 'running'

-- name: counts
SELECT kind, state::text, count(*) FROM river_job GROUP BY 1, 2
