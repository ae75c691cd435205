-- PgQueuer, read. Table pgqueuer holds the unfinished jobs, and failed ones of entrypoints that hold them; each change of a
-- job's status adds a row to pgqueuer_log, which its workers flush every tenth of a second. An entrypoint is our job type.
-- What comes after an end that takes a job's row away, which all but "failed" do, is of another job with the same id.

-- name: engine_version
-- The tables hold no version; columns came with one.
SELECT CASE WHEN bool_or(attname = 'slot') THEN '1.6+' ELSE 'before 1.6' END
  FROM pg_attribute
 WHERE attrelid = to_regclass(quote_ident({schema_name}) || '.pgqueuer')

-- name: live_counts
-- The whole table: it holds nothing else but failed jobs that wait for somebody.
SELECT entrypoint AS job_type,
       CASE WHEN status = 'picked' THEN 'active' WHEN attempts > 0 THEN 'retry' ELSE 'pending' END AS state,
       count(*) AS jobs,
       count(*) FILTER (WHERE execute_after > now()) AS ahead
  FROM {schema}.pgqueuer
 WHERE status IN ('queued', 'picked')
 GROUP BY 1, 2

-- name: oldest_ready
SELECT entrypoint AS job_type, min(greatest(created, execute_after)) AS since
  FROM {schema}.pgqueuer
 WHERE status = 'queued' AND execute_after <= now()
   AND greatest(created, execute_after) BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY entrypoint

-- name: oldest_active
-- "updated" is when the job was picked; heartbeats leave it alone.
SELECT entrypoint AS job_type, min(updated) AS since
  FROM {schema}.pgqueuer
 WHERE status = 'picked' AND updated BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY entrypoint

-- name: finished
-- pgqueuer_log_created, then pgqueuer_log_job_id_status for each. When a job was due is gone with its row.
SELECT log.id::text AS id, log.entrypoint AS job_type,
       CASE WHEN log.status = 'successful' THEN 'completed'
            WHEN log.status IN ('exception', 'failed') THEN 'failed'
            ELSE 'cancelled' END AS state,
       past.retries, NULL::timestamptz AS due_at, past.started_at, log.created AS finished_at
  FROM {schema}.pgqueuer_log AS log
 CROSS JOIN LATERAL (SELECT max(created) FILTER (WHERE status = 'picked') AS started_at,
                            count(*) FILTER (WHERE status = 'queued') - 1 AS retries
                       FROM {schema}.pgqueuer_log AS earlier
                      WHERE earlier.job_id = log.job_id AND earlier.id < log.id AND earlier.id > {begins_after}) AS past
 WHERE log.status IN ('successful', 'exception', 'failed', 'canceled', 'deleted')
   AND log.created >= %(since)s AND log.created < %(until)s

-- name: slot_counts
-- The same rows without a look at what came before.
SELECT floor(date_part('epoch', created) / %(slot_seconds)s)::bigint AS slot, count(*) AS rows,
       sum(hashfloat8(date_part('epoch', created))) AS stamps
  FROM {schema}.pgqueuer_log
 WHERE status IN ('successful', 'exception', 'failed', 'canceled', 'deleted')
   AND created >= %(since)s AND created < %(until)s
 GROUP BY 1

-- name: finished_counts
-- Each job once, at its last end: one that failed and was held may have been queued again.
SELECT floor(date_part('epoch', created) / %(slot_seconds)s)::bigint AS slot,
       entrypoint AS job_type,
       CASE WHEN status = 'successful' THEN 'completed'
            WHEN status IN ('exception', 'failed') THEN 'failed'
            ELSE 'cancelled' END AS state,
       count(*) AS jobs
  FROM {schema}.pgqueuer_log AS log
 WHERE status IN ('successful', 'exception', 'failed', 'canceled', 'deleted')
   AND created >= %(since)s AND created < %(until)s
   AND (status <> 'failed'
        OR NOT EXISTS (SELECT FROM {schema}.pgqueuer_log AS later WHERE later.job_id = log.job_id AND later.id > log.id))
 GROUP BY 1, 2, 3

-- name: first_completed
-- One probe of pgqueuer_log_created: all ends are kept alike, so the oldest row of whatever status will do.
SELECT min(created) FROM {schema}.pgqueuer_log WHERE created BETWEEN '0002-01-01' AND '9999-01-01'

-- name: frontiers
-- The first failed or cancelled one may be far or nowhere: it is no older than the oldest row of whatever status.
SELECT state, (SELECT min(created) FROM {schema}.pgqueuer_log WHERE created BETWEEN '0002-01-01' AND '9999-01-01') AS since
  FROM unnest(array['completed', 'failed', 'cancelled']) AS state

-- name: schedules
-- A schedule's handler runs inside the scheduler, without a job. Two schedules of one entrypoint differ by expression. Its
-- last_run is the end of a handler. While one runs it has the newest tick before next_run, and beats every few seconds: of its
-- start nothing is left but that.
SELECT CASE WHEN count(*) OVER (PARTITION BY entrypoint) > 1 THEN entrypoint || ' ' || expression
            ELSE entrypoint END AS job_type,
       '' AS description, expression AS cron, 'UTC' AS timezone, 0 AS priority, NULL::interval AS expire_after,
       true AS enabled,
       greatest(last_run, CASE WHEN status = 'picked' AND heartbeat > now() - interval '30 seconds'
                               THEN least(heartbeat, greatest(next_run, '0002-01-01') - interval '1 second') END) AS last_enqueued_at,
       false AS has_jobs
  FROM {schema}.pgqueuer_schedules

-- name: holds
-- A schedule whose handler runs isn't picked a second time, however many ticks come meanwhile. When it ends, last_run says so.
SELECT CASE WHEN count(*) OVER (PARTITION BY entrypoint) > 1 THEN entrypoint || ' ' || expression
            ELSE entrypoint END AS job_type,
       least(heartbeat, greatest(next_run, '0002-01-01') - interval '1 second') AS since,
       CASE WHEN status = 'picked' AND heartbeat > now() - interval '30 seconds' THEN now() END AS until
  FROM {schema}.pgqueuer_schedules

-- name: recent_jobs
-- The jobs of the newest four thousand changes, a thousand at most. One without an end and without a row was deleted by hand,
-- or by a TRUNCATE.
SELECT job.job_id::text AS job_id, job.job_type,
       CASE WHEN last = 'picked' THEN 'active'
            WHEN last = 'successful' THEN 'completed'
            WHEN last IN ('exception', 'failed') THEN 'failed'
            WHEN last <> 'queued' THEN 'cancelled'
            WHEN attempts > 0 THEN 'retry'
            WHEN execute_after > now() THEN 'scheduled'
            ELSE 'pending' END AS state,
       job.created_at, job.started_at, job.finished_at,
       greatest(queued - 1, 0)::integer AS retries, job.priority, queue_manager_id::text AS worker
  FROM (SELECT job_id, min(entrypoint) AS job_type, max(priority) AS priority,
               (array_agg(status ORDER BY id DESC))[1]::text AS last,
               count(*) FILTER (WHERE status = 'queued') AS queued,
               min(created) AS created_at,
               max(created) FILTER (WHERE status = 'picked') AS started_at,
               max(created) FILTER (WHERE status NOT IN ('queued', 'picked')) AS finished_at
          FROM (SELECT id, job_id, entrypoint, priority, status, created,
                       count(*) FILTER (WHERE status IN ('successful', 'exception', 'canceled', 'deleted'))
                         OVER (PARTITION BY job_id ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                  FROM (SELECT id, job_id, entrypoint, priority, status, created
                          FROM {schema}.pgqueuer_log
                         ORDER BY id DESC
                         LIMIT 4000) AS newest) AS told_apart
         GROUP BY job_id, before
         ORDER BY max(id) DESC
         LIMIT 1000) AS job
  LEFT JOIN LATERAL (SELECT id, execute_after, attempts, queue_manager_id FROM {schema}.pgqueuer
                      WHERE pgqueuer.id = job.job_id AND last IN ('queued', 'picked') LIMIT 1) AS unfinished ON true
 WHERE unfinished.id IS NOT NULL OR last NOT IN ('queued', 'picked')

-- name: index_finished
CREATE INDEX CONCURRENTLY pgqueuer_log_created ON {schema}.pgqueuer_log (created)

-- name: index_history
CREATE INDEX CONCURRENTLY pgqueuer_log_job_id_status ON {schema}.pgqueuer_log (job_id, created DESC)
