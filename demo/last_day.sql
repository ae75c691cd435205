-- name: now
SELECT now();

-- name: jobs
SELECT job_type, priority, max_retries, created_at, run_after, expires_at, origin, organization_id, state::text, retries,
       started_at, finished_at, worker_id, last_error
  FROM ascent.jobs
 WHERE finished_at > now() - interval '1 day'
