-- name: now
SELECT now() AS now

-- name: enqueued
UPDATE ascent.schedules SET last_enqueued_at = %(at)s WHERE job_type = %(job_type)s

-- name: analyze
-- Nobody else would, before autovacuum comes.
ANALYZE ascent.jobs
