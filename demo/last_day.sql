-- name: now
SELECT now();

-- name: jobs
-- Those of the past: what today's workers have done is counted by the exporter.
SELECT job_type, priority, max_retries, created_at, run_after, expires_at, origin, organization_id, state::text, retries,
       started_at, finished_at, worker_id, last_error
  FROM ascent.jobs
 WHERE finished_at > now() - interval '1 day'
   AND (worker_id IS NULL OR worker_id NOT IN (SELECT id FROM ascent.workers));

-- name: workers
SELECT id, hostname, pid::text, mode, version FROM ascent.workers
