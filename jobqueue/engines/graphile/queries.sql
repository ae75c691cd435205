-- Graphile Worker, read through its view "jobs": row-level security without a policy hides the tables behind it. A task is
-- our job type. What is completed is deleted; what is given up stays, with attempts = max_attempts.

-- name: engine_version
-- Its own table of migrations is hidden, so by what they made: the view has been there since 16.
SELECT CASE WHEN to_regclass(quote_ident({schema_name}) || '._private_jobs') IS NOT NULL THEN 'migration 16 or later' END

-- name: live_counts
-- The whole table: it holds nothing else but jobs that were given up.
SELECT task_identifier AS job_type,
       CASE WHEN locked_at IS NOT NULL THEN 'active' WHEN attempts > 0 THEN 'retry' ELSE 'pending' END AS state,
       count(*) AS jobs,
       count(*) FILTER (WHERE run_at > now()) AS ahead
  FROM {schema}.jobs
 WHERE locked_at IS NOT NULL OR attempts < max_attempts
 GROUP BY 1, 2

-- name: oldest_ready
SELECT task_identifier AS job_type, min(greatest(created_at, run_at)) AS since
  FROM {schema}.jobs
 WHERE locked_at IS NULL AND attempts < max_attempts AND run_at <= now()
   AND greatest(created_at, run_at) BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY 1

-- name: oldest_active
SELECT task_identifier AS job_type, min(locked_at) AS since
  FROM {schema}.jobs
 WHERE locked_at BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY 1

-- name: finished
-- Without the recorder: what was given up.
SELECT id::text AS id, task_identifier AS job_type, 'failed' AS state, attempts - 1 AS retries,
       NULL::timestamptz AS due_at, NULL::timestamptz AS started_at, finished_at
  FROM (SELECT id, task_identifier, attempts, {ended} AS finished_at
          FROM {schema}.jobs
         WHERE locked_at IS NULL AND attempts >= max_attempts) AS given_up
 WHERE finished_at >= %(since)s AND finished_at < %(until)s

-- name: frontiers
SELECT 'failed' AS state, min({ended}) AS since
  FROM {schema}.jobs
 WHERE locked_at IS NULL AND attempts >= max_attempts
   AND {ended} BETWEEN '0002-01-01' AND '9999-01-01'

-- name: recent_jobs
-- The newest thousand by key and no more.
SELECT id::text AS job_id, task_identifier AS job_type,
       CASE WHEN locked_at IS NOT NULL THEN 'active'
            WHEN attempts >= max_attempts THEN 'failed'
            WHEN attempts > 0 THEN 'retry'
            WHEN run_at > now() THEN 'scheduled'
            ELSE 'pending' END AS state,
       created_at, locked_at AS started_at,
       CASE WHEN locked_at IS NULL AND attempts >= max_attempts
            THEN {ended} END AS finished_at,
       greatest(attempts - 1, 0) AS retries, -priority::integer AS priority, locked_by AS worker
  FROM {schema}.jobs
 ORDER BY id DESC
 LIMIT 1000
