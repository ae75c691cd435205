-- The Ascent queue, read. Every query names the index that it needs; tests hold them to it.
-- A time outside the years 2 to 9998, infinity included, is nonsense that no calendar of ours holds: it is none at all.

-- name: engine_version
-- Ascent keeps no version of its tables; the build of the worker that started last is the platform's.
SELECT version FROM {schema}.workers WHERE version IS NOT NULL ORDER BY started_at DESC NULLS LAST, id LIMIT 1

-- name: live_counts
-- jobs_live, index only. A row per type and state comes back; pending splits into two without a second sort.
SELECT coalesce(job_type, '(none)') AS job_type,
       state::text,
       count(*) AS jobs,
       count(*) FILTER (WHERE run_after > now()) AS ahead
  FROM {schema}.jobs
 WHERE state IN ('pending', 'active', 'retry')
 GROUP BY state, job_type

-- name: oldest_ready
-- A loose scan of jobs_live: it hops from one (state, job_type) to the next and reads one row at each, so that a
-- backlog of millions costs what its types cost. A job waits from its making or its run_after, the later of both: where
-- the row with the lowest run_after was dated back, a hundred rows are looked at, for another one may have waited longer.
WITH RECURSIVE first AS (
  (SELECT state, job_type, run_after, created_at
     FROM {schema}.jobs
    WHERE state IN ('pending', 'active', 'retry')
    ORDER BY state, job_type, run_after
    LIMIT 1)
  UNION ALL
  SELECT hop.*
    FROM first
   CROSS JOIN LATERAL (
     SELECT state, job_type, run_after, created_at
       FROM {schema}.jobs AS next
      WHERE next.state IN ('pending', 'active', 'retry')
        AND (next.state, next.job_type) > (first.state, first.job_type)
      ORDER BY next.state, next.job_type, next.run_after
      LIMIT 1) AS hop
)
SELECT coalesce(job_type, '(none)') AS job_type, min(since) AS since
  FROM first
 CROSS JOIN LATERAL (
   SELECT CASE WHEN first.created_at <= first.run_after THEN first.run_after
               ELSE coalesce((SELECT min(greatest(earliest.created_at, earliest.run_after))
                                FROM (SELECT created_at, run_after
                                        FROM {schema}.jobs AS due
                                       WHERE due.state IN ('pending', 'active', 'retry')
                                         AND due.state = first.state AND due.job_type = first.job_type
                                         AND due.run_after <= now()
                                       ORDER BY due.state, due.job_type, due.run_after
                                       LIMIT 100) AS earliest), first.created_at)
          END AS since) AS due
 WHERE state IN ('pending', 'retry')
   AND run_after <= now()
   AND since BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY job_type

-- name: oldest_active
SELECT coalesce(job_type, '(none)') AS job_type,
       min(started_at) AS since
  FROM {schema}.jobs
 WHERE state = 'active'
   AND started_at BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY job_type

-- name: finished
-- jobs_finished; counted index only. The states are a list, so that each is one range of the index.
SELECT id::text AS id, coalesce(job_type, '(none)') AS job_type, state::text, retries,
       greatest(created_at, run_after) AS due_at, started_at, finished_at
  FROM {schema}.jobs
 WHERE state IN ('completed', 'failed', 'cancelled')
   AND finished_at >= %(since)s AND finished_at < %(until)s

-- name: first_completed
-- One probe of jobs_finished.
SELECT min(finished_at) FROM {schema}.jobs
 WHERE state = 'completed' AND finished_at BETWEEN '0002-01-01' AND '9999-01-01'

-- name: frontiers
-- Three probes of jobs_finished.
SELECT state::text,
       (SELECT min(finished_at)
          FROM {schema}.jobs
         WHERE jobs.state = terminal.state
           AND finished_at BETWEEN '0002-01-01' AND '9999-01-01') AS since
  FROM unnest(array['completed', 'failed', 'cancelled']::{schema}.job_state[]) AS terminal (state)

-- name: workers
-- Online is decided here: the database's clock wrote the heartbeat, so it alone can say how old it is.
SELECT id AS worker, hostname, pid, mode, version,
       coalesce(last_seen_at > now() - %(lag)s::interval - interval '60 seconds', false) AS online,
       CASE WHEN started_at BETWEEN '0002-01-01' AND '9999-01-01' THEN started_at END AS started_at,
       CASE WHEN last_seen_at BETWEEN '0002-01-01' AND '9999-01-01' THEN last_seen_at END AS last_seen_at,
       greatest(coalesce(processed, 0), 0) AS processed,
       greatest(coalesce(failed, 0), 0) AS failed,
       current_job_type,
       CASE WHEN current_started_at BETWEEN '0002-01-01' AND '9999-01-01' THEN current_started_at END
         AS current_started_at
  FROM {schema}.workers
 WHERE id IS NOT NULL

-- name: schedules
SELECT job_type, coalesce(description, '') AS description, coalesce(cron, '') AS cron,
       coalesce(timezone, 'UTC') AS timezone, coalesce(priority, 0) AS priority,
       CASE WHEN expire_after BETWEEN '-1000 years' AND '1000 years' THEN expire_after END AS expire_after,
       coalesce(enabled, false) AS enabled,
       CASE WHEN last_enqueued_at BETWEEN '0002-01-01' AND '9999-01-01' THEN last_enqueued_at END AS last_enqueued_at,
       true AS has_jobs
  FROM {schema}.schedules
 WHERE job_type IS NOT NULL

-- name: recent_jobs
-- The newest thousand by key and no more: whatever is asked of the view in whatever order, history is never sorted.
SELECT id::text AS job_id, job_type,
       CASE WHEN state = 'pending' AND run_after > now() THEN 'scheduled' ELSE state::text END AS state,
       created_at, started_at, finished_at, retries, priority::int AS priority, worker_id AS worker
  FROM (SELECT id, job_type, state, run_after, created_at, started_at, finished_at, retries, priority, worker_id
          FROM {schema}.jobs
         ORDER BY id DESC
         LIMIT 1000) AS newest

-- name: index_live
CREATE INDEX CONCURRENTLY jobs_live ON {schema}.jobs (state, job_type, run_after)
 WHERE state IN ('pending', 'active', 'retry')

-- name: index_finished
CREATE INDEX CONCURRENTLY jobs_finished ON {schema}.jobs (state, finished_at)
 WHERE finished_at IS NOT NULL
