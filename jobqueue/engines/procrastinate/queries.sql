-- procrastinate, read. A job's row has no times but the one it is planned for: the others stand in procrastinate_events,
-- which triggers write. An event "scheduled" carries the planned time, which may lie ahead.

-- name: engine_version
-- The tables hold no version; functions came with one.
SELECT CASE WHEN bool_or(proname = 'procrastinate_retry_job_v2') THEN '3.4+'
            WHEN bool_or(proname = 'procrastinate_defer_jobs_v1') THEN '3.2+'
            ELSE '3.1' END
  FROM pg_proc
 WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = {schema_name})
   AND proname IN ('procrastinate_retry_job_v2', 'procrastinate_defer_jobs_v1')

-- name: live_counts
-- procrastinate_jobs_id_lock_idx_v1 finds the live rows; their types stand in the table only.
SELECT task_name::text AS job_type,
       CASE WHEN status = 'doing' THEN 'active' WHEN attempts > 0 THEN 'retry' ELSE 'pending' END AS state,
       count(*) AS jobs,
       count(*) FILTER (WHERE scheduled_at > now()) AS ahead
  FROM {schema}.procrastinate_jobs
 WHERE status IN ('todo', 'doing')
 GROUP BY 1, 2

-- name: oldest_ready
-- A job is ready from when it was queued last, by its making or a retry, or from the time it is planned for, the later of both. Of
-- those for at once the lowest id is the oldest; of the planned ones the lowest id and the earliest time are looked at: three
-- looks at events a type. Where the earliest time was dated back, a hundred are, for another one may have waited longer.
WITH first AS (
  SELECT task_name::text AS job_type,
         min(id) FILTER (WHERE scheduled_at IS NULL) AS at_once,
         min(array[id, date_part('epoch', scheduled_at)]) FILTER (WHERE scheduled_at IS NOT NULL) AS lowest,
         min(array[date_part('epoch', scheduled_at), id]) FILTER (WHERE scheduled_at IS NOT NULL) AS earliest
    FROM {schema}.procrastinate_jobs
   WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at BETWEEN '0002-01-01' AND now())
   GROUP BY task_name
),
found AS MATERIALIZED (
  SELECT job_type, planned_for,
         (SELECT max(at) FROM {schema}.procrastinate_events
           WHERE job_id = job.id AND type::text IN ('deferred', 'deferred_for_retry', 'retried')) AS queued_at
    FROM first,
         LATERAL (VALUES (at_once, NULL),
                         (lowest[1]::bigint, to_timestamp(lowest[2])),
                         (earliest[2]::bigint, to_timestamp(earliest[1]))) AS job (id, planned_for)
),
dated_back AS (
  SELECT job_type, planned_for,
         (SELECT max(at) FROM {schema}.procrastinate_events
           WHERE job_id = job.id AND type::text IN ('deferred', 'deferred_for_retry', 'retried')) AS queued_at
    FROM (SELECT id, task_name::text AS job_type, scheduled_at AS planned_for,
                 row_number() OVER (PARTITION BY task_name ORDER BY scheduled_at) AS place
            FROM {schema}.procrastinate_jobs
           WHERE status = 'todo' AND scheduled_at BETWEEN '0002-01-01' AND now()
             AND EXISTS (SELECT FROM found WHERE queued_at > planned_for + interval '1 minute')
             AND task_name = ANY (array(SELECT job_type FROM found
                                         WHERE queued_at > planned_for + interval '1 minute'))) AS job
   WHERE place <= 100
)
SELECT job_type, min(greatest(planned_for, queued_at)) AS since
  FROM (SELECT * FROM found UNION ALL SELECT * FROM dated_back) AS looked_at
 WHERE greatest(planned_for, queued_at) BETWEEN '0002-01-01' AND '9999-01-01' AND queued_at IS NOT NULL
 GROUP BY job_type

-- name: oldest_active
SELECT job_type, min(since) AS since
  FROM (SELECT task_name::text AS job_type,
               (SELECT max(at) FROM {schema}.procrastinate_events WHERE job_id = job.id AND type = 'started') AS since
          FROM {schema}.procrastinate_jobs AS job
         WHERE status = 'doing') AS active
 WHERE since BETWEEN '0002-01-01' AND '9999-01-01'
 GROUP BY job_type

-- name: finished
-- system_status_finished. Each end of a job is a run: one that failed, was retried by hand and succeeded ran twice. The end of
-- a job that waits is an event "cancelled" whatever it ended as, such as that of one which was queued again as stalled while
-- its worker still had it: then the job itself says how, unless it has ended anew since. Before its last start a run was due from
-- when it had been queued last, or from the time that it was planned for then.
SELECT event.id::text AS id, job.task_name::text AS job_type,
       CASE WHEN event.type = 'succeeded' THEN 'completed'
            WHEN event.type = 'failed' THEN 'failed'
            WHEN event.type = 'cancelled' AND job.status = 'succeeded' AND NOT past.ended_anew THEN 'completed'
            WHEN event.type = 'cancelled' AND job.status = 'failed' AND NOT past.ended_anew THEN 'failed'
            ELSE 'cancelled' END AS state,
       past.starts - 1 AS retries,
       past.due_at,
       past.started_at,
       event.at AS finished_at
  FROM {schema}.procrastinate_events AS event
  JOIN {schema}.procrastinate_jobs AS job ON job.id = event.job_id
 CROSS JOIN LATERAL (SELECT max(at) FILTER (WHERE id = start_id) AS started_at,
                            count(*) FILTER (WHERE type = 'started' AND id <= start_id) AS starts,
                            greatest(max(at) FILTER (WHERE type::text IN ('deferred', 'deferred_for_retry', 'retried')
                                                           AND id < start_id),
                                     (array_agg(at ORDER BY id DESC) FILTER (WHERE type = 'scheduled'
                                                                                   AND id < start_id))[1]) AS due_at,
                            count(*) FILTER (WHERE type IN ('succeeded', 'failed', 'cancelled', 'aborted')
                                                   AND id > event.id) > 0 AS ended_anew
                       FROM (SELECT id, type, at,
                                    max(id) FILTER (WHERE type = 'started' AND id < event.id) OVER () AS start_id
                               FROM {schema}.procrastinate_events AS of_job
                              WHERE of_job.job_id = event.job_id) AS of_job) AS past
 WHERE event.type IN ('succeeded', 'failed', 'cancelled', 'aborted')
   AND event.at >= %(since)s AND event.at < %(until)s

-- name: slot_counts
-- The same rows without a look at the jobs: their events go when they go.
SELECT floor(date_part('epoch', at) / %(slot_seconds)s)::bigint AS slot, count(*) AS rows,
       sum(hashfloat8(date_part('epoch', at))) AS stamps
  FROM {schema}.procrastinate_events
 WHERE type IN ('succeeded', 'failed', 'cancelled', 'aborted')
   AND at >= %(since)s AND at < %(until)s
 GROUP BY 1

-- name: finished_counts
-- Each job once, as it stands, at its last end.
SELECT floor(date_part('epoch', event.at) / %(slot_seconds)s)::bigint AS slot,
       job.task_name::text AS job_type,
       CASE job.status WHEN 'succeeded' THEN 'completed' WHEN 'failed' THEN 'failed' ELSE 'cancelled' END AS state,
       count(*) AS jobs
  FROM {schema}.procrastinate_events AS event
  JOIN {schema}.procrastinate_jobs AS job ON job.id = event.job_id
 WHERE event.type IN ('succeeded', 'failed', 'cancelled', 'aborted')
   AND event.at >= %(since)s AND event.at < %(until)s
   AND job.status NOT IN ('todo', 'doing')
   AND NOT EXISTS (SELECT FROM {schema}.procrastinate_events AS later
                    WHERE later.job_id = event.job_id AND later.id > event.id
                      AND later.type IN ('succeeded', 'failed', 'cancelled', 'aborted'))
 GROUP BY 1, 2, 3

-- name: first_completed
-- One probe of system_status_finished.
SELECT min(at) FROM {schema}.procrastinate_events WHERE type = 'succeeded' AND at BETWEEN '0002-01-01' AND '9999-01-01'

-- name: frontiers
-- Probes of system_status_finished; each names its type, for the index knows not all of them. Of what ended while it waited,
-- whatever as, the oldest thousand are looked at.
WITH waited AS MATERIALIZED (
  SELECT job.status, min(event.at) AS since
    FROM (SELECT job_id, at FROM {schema}.procrastinate_events
           WHERE type = 'cancelled' AND at BETWEEN '0002-01-01' AND '9999-01-01'
           ORDER BY at LIMIT 1000) AS event
    JOIN {schema}.procrastinate_jobs AS job ON job.id = event.job_id
   GROUP BY job.status
)
SELECT 'completed' AS state,
       least((SELECT min(at) FROM {schema}.procrastinate_events
               WHERE type = 'succeeded' AND at BETWEEN '0002-01-01' AND '9999-01-01'),
             (SELECT since FROM waited WHERE status = 'succeeded')) AS since
UNION ALL
SELECT 'failed',
       least((SELECT min(at) FROM {schema}.procrastinate_events
               WHERE type = 'failed' AND at BETWEEN '0002-01-01' AND '9999-01-01'),
             (SELECT since FROM waited WHERE status = 'failed'))
UNION ALL
SELECT 'cancelled',
       least((SELECT min(at) FROM {schema}.procrastinate_events
               WHERE type = 'cancelled' AND at BETWEEN '0002-01-01' AND '9999-01-01'),
             (SELECT min(at) FROM {schema}.procrastinate_events
               WHERE type = 'aborted' AND at BETWEEN '0002-01-01' AND '9999-01-01'))

-- name: workers
-- A worker is a number and a heartbeat, every 10 s. It may have several jobs at a time: the oldest is shown.
SELECT worker.id::text AS worker, NULL AS hostname, NULL::integer AS pid, NULL AS mode, NULL AS version,
       worker.last_heartbeat > now() - %(lag)s::interval - interval '60 seconds' AS online,
       NULL::timestamptz AS started_at, worker.last_heartbeat AS last_seen_at,
       NULL::bigint AS processed, NULL::bigint AS failed,
       job.task_name::text AS current_job_type,
       (SELECT max(at) FROM {schema}.procrastinate_events AS event
         WHERE event.job_id = job.id AND type = 'started') AS current_started_at
  FROM {schema}.procrastinate_workers AS worker
  LEFT JOIN LATERAL (SELECT id, task_name FROM {schema}.procrastinate_jobs
                      WHERE worker_id = worker.id AND status = 'doing'
                      ORDER BY id LIMIT 1) AS job ON true

-- name: ticks
-- The newest tick of each periodic task; its expression stands in code only.
SELECT task_name::text, to_timestamp(max(defer_timestamp))
  FROM {schema}.procrastinate_periodic_defers
 WHERE defer_timestamp BETWEEN 0 AND 253370764800  -- the year 9999
 GROUP BY task_name

-- name: holds
-- While a job with a queueing_lock waits, procrastinate drops each tick with the same lock and takes its row of
-- procrastinate_periodic_defers back. The lock is that of the newest tick's job; who has it now is found by
-- procrastinate_jobs_queueing_lock_idx_v1. That job's own wait ended when it was started or cancelled last.
SELECT tick.task_name::text AS job_type, hold.since, hold.until
  FROM (SELECT DISTINCT ON (task_name) task_name, job_id, to_timestamp(defer_timestamp) AS at
          FROM {schema}.procrastinate_periodic_defers
         WHERE defer_timestamp BETWEEN 0 AND 253370764800
         ORDER BY task_name, defer_timestamp DESC) AS tick
  JOIN {schema}.procrastinate_jobs AS job ON job.id = tick.job_id AND job.queueing_lock IS NOT NULL
 CROSS JOIN LATERAL (SELECT CASE WHEN holder.id = job.id THEN tick.at
                                 ELSE (SELECT min(event.at) FROM {schema}.procrastinate_events AS event
                                        WHERE event.job_id = holder.id AND type = 'deferred') END AS since,
                            now() AS until
                       FROM {schema}.procrastinate_jobs AS holder
                      WHERE holder.queueing_lock = job.queueing_lock AND holder.status = 'todo'
                      UNION ALL
                     SELECT tick.at, max(event.at)
                       FROM {schema}.procrastinate_events AS event
                      WHERE event.job_id = job.id AND type IN ('started', 'cancelled')
                      ORDER BY until DESC NULLS LAST
                      LIMIT 1) AS hold

-- name: recent_jobs
-- The newest thousand by key and no more.
SELECT job.id::text AS job_id, job.task_name::text AS job_type,
       CASE WHEN status = 'doing' THEN 'active'
            WHEN status = 'todo' AND attempts > 0 THEN 'retry'
            WHEN status = 'todo' AND scheduled_at > now() THEN 'scheduled'
            WHEN status = 'todo' THEN 'pending'
            WHEN status = 'succeeded' THEN 'completed'
            WHEN status = 'failed' THEN 'failed'
            ELSE 'cancelled' END AS state,
       past.created_at, past.started_at,
       CASE WHEN status NOT IN ('todo', 'doing') THEN past.finished_at END AS finished_at,
       greatest(greatest(attempts, 0) - (status NOT IN ('todo', 'doing'))::integer, 0) AS retries,
       priority, worker_id::text AS worker
  FROM (SELECT id, task_name, status, scheduled_at, attempts, priority, worker_id
          FROM {schema}.procrastinate_jobs
         ORDER BY id DESC
         LIMIT 1000) AS job
 CROSS JOIN LATERAL (SELECT min(at) FILTER (WHERE type = 'deferred') AS created_at,
                            max(at) FILTER (WHERE type = 'started') AS started_at,
                            max(at) FILTER (WHERE type IN ('succeeded', 'failed', 'cancelled', 'aborted')) AS finished_at
                       FROM {schema}.procrastinate_events AS event
                      WHERE event.job_id = job.id) AS past

-- name: index_finished
-- Not the list of ends itself: the planner would take the query's own list as implied and scan the whole index.
CREATE INDEX CONCURRENTLY system_status_finished ON {schema}.procrastinate_events (type, at)
 WHERE type <> 'deferred' AND type <> 'started'
