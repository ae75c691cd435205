-- Oban, read. A job's worker, a module's name, is our job type. Its times are without zone, in UTC; priorities lower first.
-- In every version's enum the unfinished states, whichever there are, come before 'completed'.

-- name: parts
-- Oban for Python, and Pro, have a table of producers.
SELECT to_regclass(quote_ident({schema_name}) || '.oban_producers') IS NOT NULL

-- name: engine_version
SELECT CASE WHEN to_regclass(quote_ident({schema_name}) || '.oban_peers') IS NULL THEN 'Python'
            WHEN EXISTS (SELECT FROM pg_enum
                          WHERE enumtypid = to_regtype(quote_ident({schema_name}) || '.oban_job_state')
                            AND enumlabel = 'suspended') THEN 'Elixir, migration 14'
            ELSE 'Elixir' END

-- name: live_counts
-- oban_jobs_state_queue_priority_scheduled_at_id_index finds the live rows; their workers stand in the table only. A job
-- that failed is "retryable" until it is due again, then "available" as any other.
SELECT worker AS job_type,
       CASE WHEN state = 'executing' THEN 'active'
            WHEN state = 'retryable' OR state = 'available' AND attempt > 0 THEN 'retry'
            ELSE 'pending' END AS state,
       count(*) AS jobs,
       count(*) FILTER (WHERE scheduled_at > now() AT TIME ZONE 'UTC') AS ahead
  FROM {schema}.oban_jobs
 WHERE state < 'completed'
 GROUP BY 1, 2

-- name: oldest_ready
-- A rescued job keeps the time that it was planned for: it has waited no longer than since it was at work.
SELECT worker AS job_type, min(greatest(inserted_at, scheduled_at, attempted_at)) AT TIME ZONE 'UTC' AS since
  FROM {schema}.oban_jobs
 WHERE state IN ('available', 'scheduled', 'retryable')
   AND scheduled_at <= now() AT TIME ZONE 'UTC'
   AND greatest(inserted_at, scheduled_at, attempted_at) BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY worker

-- name: oldest_active
SELECT worker AS job_type, min(attempted_at) AT TIME ZONE 'UTC' AS since
  FROM {schema}.oban_jobs
 WHERE state = 'executing' AND attempted_at BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY worker

-- name: finished
-- A range of an index for each state. Since when a rescued job waited for its last attempt no column says.
SELECT id::text AS id, worker AS job_type, ends.state, attempt - 1 AS retries,
       CASE WHEN (meta ? 'rescued') IS NOT TRUE THEN greatest(inserted_at, scheduled_at) AT TIME ZONE 'UTC' END AS due_at,
       attempted_at AT TIME ZONE 'UTC' AS started_at,
       ended_at AT TIME ZONE 'UTC' AS finished_at
  FROM (SELECT id, 'completed' AS state, worker, attempt, meta, inserted_at, scheduled_at, attempted_at,
               completed_at AS ended_at
          FROM {schema}.oban_jobs
         WHERE state = 'completed'
           AND completed_at >= %(since)s::timestamptz AT TIME ZONE 'UTC'
           AND completed_at < %(until)s::timestamptz AT TIME ZONE 'UTC'
        UNION ALL
        SELECT id, 'failed', worker, attempt, meta, inserted_at, scheduled_at, attempted_at, discarded_at
          FROM {schema}.oban_jobs
         WHERE state = 'discarded'
           AND discarded_at >= %(since)s::timestamptz AT TIME ZONE 'UTC'
           AND discarded_at < %(until)s::timestamptz AT TIME ZONE 'UTC'
        UNION ALL
        SELECT id, 'cancelled', worker, attempt, meta, inserted_at, scheduled_at, attempted_at, cancelled_at
          FROM {schema}.oban_jobs
         WHERE state = 'cancelled'
           AND cancelled_at >= %(since)s::timestamptz AT TIME ZONE 'UTC'
           AND cancelled_at < %(until)s::timestamptz AT TIME ZONE 'UTC') AS ends

-- name: first_completed
-- One probe.
SELECT min(completed_at) AT TIME ZONE 'UTC' FROM {schema}.oban_jobs
 WHERE state = 'completed' AND completed_at BETWEEN '0002-01-01' AND '9999-01-01'

-- name: frontiers
-- A probe for each state.
SELECT 'completed' AS state, min(completed_at) AT TIME ZONE 'UTC' AS since FROM {schema}.oban_jobs
 WHERE state = 'completed' AND completed_at BETWEEN '0002-01-01' AND '9999-01-01'
UNION ALL
SELECT 'failed', min(discarded_at) AT TIME ZONE 'UTC' FROM {schema}.oban_jobs
 WHERE state = 'discarded' AND discarded_at BETWEEN '0002-01-01' AND '9999-01-01'
UNION ALL
SELECT 'cancelled', min(cancelled_at) AT TIME ZONE 'UTC' FROM {schema}.oban_jobs
 WHERE state = 'cancelled' AND cancelled_at BETWEEN '0002-01-01' AND '9999-01-01'

-- name: workers
-- A producer serves one queue on one node, and says every 15 s that it is alive. It may have several jobs at a time: the
-- oldest is shown.
SELECT uuid::text AS worker, node AS hostname, NULL::integer AS pid, queue AS mode, NULL AS version,
       updated_at > (now() - %(lag)s::interval) AT TIME ZONE 'UTC' - interval '60 seconds' AS online,
       started_at AT TIME ZONE 'UTC' AS started_at, updated_at AT TIME ZONE 'UTC' AS last_seen_at,
       NULL::bigint AS processed, NULL::bigint AS failed,
       job.worker AS current_job_type, job.attempted_at AT TIME ZONE 'UTC' AS current_started_at
  FROM {schema}.oban_producers AS producer
  LEFT JOIN LATERAL (SELECT worker, attempted_at FROM {schema}.oban_jobs
                      WHERE state = 'executing' AND oban_jobs.queue = producer.queue
                        AND attempted_by[2] = producer.uuid::text
                      ORDER BY attempted_at LIMIT 1) AS job ON true

-- name: ticks
-- system_status_cron. The newest job of each worker that cron inserted.
SELECT worker, max(inserted_at) AT TIME ZONE 'UTC'
  FROM {schema}.oban_jobs
 WHERE meta @> '{{"cron": true}}'
 GROUP BY worker

-- name: recent_jobs
-- The newest thousand by key and no more.
SELECT id::text AS job_id, worker AS job_type,
       CASE WHEN state = 'executing' THEN 'active'
            WHEN state = 'discarded' THEN 'failed'
            WHEN state = 'retryable' OR state = 'available' AND attempt > 0 THEN 'retry'
            WHEN state IN ('completed', 'cancelled') THEN state::text
            WHEN scheduled_at > now() AT TIME ZONE 'UTC' THEN 'scheduled'
            ELSE 'pending' END AS state,
       inserted_at AT TIME ZONE 'UTC' AS created_at, attempted_at AT TIME ZONE 'UTC' AS started_at,
       CASE state WHEN 'completed' THEN completed_at WHEN 'discarded' THEN discarded_at
                  WHEN 'cancelled' THEN cancelled_at END AT TIME ZONE 'UTC' AS finished_at,
       greatest(attempt - 1, 0)::integer AS retries, -priority::integer AS priority, attempted_by[1] AS worker
  FROM (SELECT id, worker, state, attempt, attempted_by, priority, inserted_at, scheduled_at, attempted_at,
               completed_at, discarded_at, cancelled_at
          FROM {schema}.oban_jobs
         ORDER BY id DESC
         LIMIT 1000) AS newest

-- name: index_live
CREATE INDEX CONCURRENTLY oban_jobs_state_queue_priority_scheduled_at_id_index
    ON {schema}.oban_jobs (state, queue, priority, scheduled_at, id)

-- name: index_completed
CREATE INDEX CONCURRENTLY system_status_completed ON {schema}.oban_jobs (completed_at) WHERE state = 'completed'

-- name: index_cron
CREATE INDEX CONCURRENTLY system_status_cron ON {schema}.oban_jobs (worker, id) WHERE meta @> '{{"cron": true}}'
