-- name: queue
INSERT INTO ascent.jobs (job_type) SELECT unnest(%(job_types)s::text[]) RETURNING id

-- name: start
UPDATE ascent.jobs SET state = 'active', started_at = clock_timestamp(), worker_id = 'worker-1' WHERE id = ANY (%(ids)s)

-- name: finish
-- One in fifty fails.
UPDATE ascent.jobs
   SET state = CASE WHEN id %% 50 = 0 THEN 'failed' ELSE 'completed' END::ascent.job_state,
       finished_at = clock_timestamp()
 WHERE id = ANY (%(ids)s)
