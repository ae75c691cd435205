-- River, read. A job's kind is our job type. Its priorities run from 1 to 4, lower first.

-- name: engine_version
-- By what each migration added: where migrations are applied by other tools, River's own table of them is missing.
SELECT CASE WHEN to_regclass(quote_ident({schema_name}) || '.river_notification') IS NOT NULL THEN 'migration 7'
            WHEN EXISTS (SELECT FROM pg_attribute
                          WHERE attrelid = to_regclass(quote_ident({schema_name}) || '.river_job')
                            AND attname = 'unique_states') THEN 'migration 6'
            ELSE 'before migration 6' END

-- name: live_counts
-- river_job_prioritized_fetching_index finds the live rows; their kinds stand in the table only. A job that failed is
-- "retryable" until it is due again, then "available" as any other; "pending" is one that something else has to release.
SELECT kind AS job_type,
       CASE WHEN state = 'running' THEN 'active'
            WHEN state = 'retryable' OR state = 'available' AND attempt > 0 THEN 'retry'
            ELSE 'pending' END AS state,
       count(*) AS jobs,
       count(*) FILTER (WHERE scheduled_at > now()) AS ahead
  FROM {schema}.river_job
 WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled')
 GROUP BY 1, 2

-- name: oldest_ready
-- What waits in a queue that was paused waits on purpose. One that was at work before has waited no longer than since then.
SELECT kind AS job_type, min(greatest(created_at, scheduled_at, attempted_at, {staged_at})) AS since
  FROM {schema}.river_job
 WHERE state IN ('available', 'retryable', 'scheduled')
   AND scheduled_at <= now()
   AND queue NOT IN (SELECT name FROM {schema}.river_queue WHERE paused_at IS NOT NULL)
   AND greatest(created_at, scheduled_at, attempted_at, {staged_at}) BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY kind

-- name: oldest_active
SELECT kind AS job_type, min(attempted_at) AS since
  FROM {schema}.river_job
 WHERE state = 'running' AND attempted_at BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY kind

-- name: finished
-- river_job_state_and_finalized_at_index. A scheduled job that turned out to be a duplicate is discarded without a single
-- attempt, and marked: it never ran, so it hasn't failed. One that was tried and became a duplicate while it waited for its
-- next attempt has failed, but not been at work until then.
SELECT id::text AS id, kind AS job_type,
       CASE WHEN state = 'discarded' AND attempt = 0 AND metadata ->> 'unique_key_conflict' = 'scheduler_discarded'
            THEN 'cancelled'
            WHEN state = 'discarded' THEN 'failed'
            ELSE state::text END AS state,
       attempt - 1 AS retries,
       greatest(created_at, scheduled_at, {staged_at}) AS due_at,
       CASE WHEN metadata ->> 'unique_key_conflict' IS DISTINCT FROM 'scheduler_discarded' THEN attempted_at END
         AS started_at,
       finalized_at AS finished_at
  FROM {schema}.river_job
 WHERE state IN ('completed', 'discarded', 'cancelled')
   AND finalized_at >= %(since)s AND finalized_at < %(until)s

-- name: first_completed
-- One probe of river_job_state_and_finalized_at_index.
SELECT min(finalized_at) FROM {schema}.river_job
 WHERE state = 'completed' AND finalized_at BETWEEN '0002-01-01' AND '9999-01-01'

-- name: frontiers
-- Three probes of the same index; the duplicates, which count as cancelled, stay as long as what failed: they are found by
-- river_job_metadata_index.
SELECT CASE terminal.state WHEN 'discarded' THEN 'failed' ELSE terminal.state::text END AS state,
       least((SELECT min(finalized_at)
                FROM {schema}.river_job
               WHERE river_job.state = terminal.state
                 AND finalized_at BETWEEN '0002-01-01' AND '9999-01-01'),
             CASE WHEN terminal.state = 'cancelled' THEN
               (SELECT min(finalized_at)
                  FROM {schema}.river_job
                 WHERE metadata @> '{{"unique_key_conflict": "scheduler_discarded"}}' AND river_job.state = 'discarded'
                   AND finalized_at BETWEEN '0002-01-01' AND '9999-01-01') END) AS since
  FROM unnest(array['completed', 'discarded', 'cancelled']::{schema}.river_job_state[]) AS terminal (state)

-- name: ticks
-- river_job_metadata_index. The newest periodic job of each kind; what made it recur stands in code only.
SELECT kind, max(created_at)
  FROM {schema}.river_job
 WHERE metadata @> '{{"periodic": true}}'
 GROUP BY kind

-- name: holds
-- While a unique job waits or runs River drops each tick with the same key. The key is that of the newest periodic job; who has
-- it now, perhaps a job by hand, is found by river_job_unique_idx. A job that has ended may keep its key: whether for good
-- or for a period, nothing here tells.
SELECT job.kind AS job_type, hold.since, hold.until
  FROM (SELECT max(id) AS id FROM {schema}.river_job WHERE metadata @> '{{"periodic": true}}' GROUP BY kind) AS newest
  JOIN {schema}.river_job AS job ON job.id = newest.id AND job.unique_key IS NOT NULL
 CROSS JOIN LATERAL (SELECT job.created_at AS since, coalesce(job.finalized_at, now()) AS until
                      UNION ALL
                     SELECT holder.created_at, now()
                       FROM {schema}.river_job AS holder
                      WHERE holder.unique_key = job.unique_key AND holder.unique_states IS NOT NULL
                        AND {schema}.river_job_state_in_bitmask(holder.unique_states, holder.state)
                        AND holder.finalized_at IS NULL
                      ORDER BY until DESC, since
                      LIMIT 1) AS hold

-- name: recent_jobs
-- The newest thousand by key and no more.
SELECT id::text AS job_id, kind AS job_type,
       CASE WHEN state = 'running' THEN 'active'
            WHEN state = 'discarded' AND attempt = 0 AND metadata ->> 'unique_key_conflict' = 'scheduler_discarded'
            THEN 'cancelled'
            WHEN state = 'discarded' THEN 'failed'
            WHEN state = 'retryable' OR state = 'available' AND attempt > 0 THEN 'retry'
            WHEN state IN ('completed', 'cancelled') THEN state::text
            WHEN scheduled_at > now() THEN 'scheduled'
            ELSE 'pending' END AS state,
       created_at, attempted_at AS started_at, finalized_at AS finished_at,
       greatest(attempt - 1, 0) AS retries, 1 - priority AS priority,
       attempted_by[array_upper(attempted_by, 1)] AS worker
  FROM (SELECT id, kind, state, attempt, attempted_by, priority, metadata, created_at, scheduled_at,
               attempted_at, finalized_at
          FROM {schema}.river_job
         ORDER BY id DESC
         LIMIT 1000) AS newest

-- name: index_live
CREATE INDEX CONCURRENTLY river_job_prioritized_fetching_index
    ON {schema}.river_job (state, queue, priority, scheduled_at, id)

-- name: index_finished
CREATE INDEX CONCURRENTLY river_job_state_and_finalized_at_index ON {schema}.river_job (state, finalized_at)
 WHERE finalized_at IS NOT NULL

-- name: index_periodic
CREATE INDEX CONCURRENTLY river_job_metadata_index ON {schema}.river_job USING gin (metadata)
