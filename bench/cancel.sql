-- name: pile
INSERT INTO ascent.jobs (job_type, created_at, run_after)
SELECT 'type-' || n %% 50, now() - interval '10 minutes', now() - interval '10 minutes'
  FROM generate_series(1, %(jobs)s) AS n

-- name: fetch
UPDATE ascent.jobs
   SET state = 'active', started_at = now()
 WHERE id = (SELECT id
               FROM ascent.jobs
              WHERE state IN ('pending', 'retry') AND run_after <= now()
              ORDER BY priority DESC, run_after, id
              LIMIT 1
                FOR UPDATE SKIP LOCKED)
