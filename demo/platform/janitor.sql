-- The queue janitor, every 15 minutes. All ages are by the database's clock.

-- name: fail_stuck
UPDATE ascent.jobs
   SET state = 'failed', finished_at = now(), last_error = 'stuck for more than 15 minutes'
 WHERE state = 'active' AND started_at < now() - interval '15 minutes'

-- name: cancel_stale
-- The age of a pending job counts from when it became due: one that is planned for tomorrow isn't stale.
UPDATE ascent.jobs
   SET state = 'cancelled', finished_at = now(), last_error = 'pending for more than 1 hour'
 WHERE state = 'pending' AND greatest(created_at, run_after) < now() - interval '1 hour'

-- name: delete_completed
DELETE FROM ascent.jobs WHERE state = 'completed' AND finished_at < now() - interval '1 hour'

-- name: delete_failed
DELETE FROM ascent.jobs WHERE state = 'failed' AND finished_at < now() - interval '7 days'

-- name: reap_workers
DELETE FROM ascent.workers WHERE last_seen_at < now() - interval '5 minutes'

-- name: delete_tokens
DELETE FROM ascent.idempotency_tokens WHERE expires_at < now()
