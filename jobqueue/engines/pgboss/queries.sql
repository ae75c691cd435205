-- pg-boss, read. Its queue is our job type. pgboss.job is partitioned by queue; indexes job_i14 to job_i16 (from 12.38 on)
-- lead with the queue's name, so most queries go from queue to queue. Queues of pg-boss' own begin with __pgboss__.

-- name: parts
-- The table of instances came with 12.36.
SELECT to_regclass(quote_ident({schema_name}) || '.instance') IS NOT NULL

-- name: engine_version
SELECT version FROM {schema}.instance ORDER BY started_on DESC, id LIMIT 1

-- name: older_version
SELECT 'schema ' || max(version) FROM {schema}.version

-- name: live_counts
-- job_i14, index only; a queue without jobs has none of them. A job that waits for another one of its flow counts as pending.
SELECT name AS job_type,
       CASE state WHEN 'created' THEN 'pending' ELSE state::text END AS state,
       count(*) AS jobs,
       count(*) FILTER (WHERE start_after > now()) AS ahead
  FROM {schema}.job
 WHERE state IN ('created', 'retry', 'active') AND left(name, 10) <> '__pgboss__'
 GROUP BY name, state
 UNION ALL
SELECT name, 'pending', 0, 0 FROM {schema}.queue WHERE left(name, 10) <> '__pgboss__'

-- name: oldest_ready
-- Two probes of job_i14 a queue; where the job with the lowest start_after was dated back, or was at work since, a hundred jobs are
-- looked at, for another one may have waited longer. One that was retried or resumed by hand keeps its start_after before 12.38:
-- it has waited no longer than since it was at work.
SELECT name AS job_type, min(since) AS since
  FROM {schema}.queue
 CROSS JOIN unnest(array['created', 'retry']::{schema}.job_state[]) AS waiting (state)
 CROSS JOIN LATERAL (
   SELECT CASE WHEN greatest(created_on, started_on) <= start_after THEN start_after
               ELSE (SELECT min(greatest(created_on, started_on, start_after))
                       FROM (SELECT created_on, started_on, start_after FROM {schema}.job
                              WHERE job.name = queue.name AND job.state = waiting.state
                                AND job.state IN ('created', 'retry') AND NOT blocked AND start_after <= now()
                              ORDER BY start_after LIMIT 100) AS earliest)
          END AS since
     FROM {schema}.job
    WHERE job.name = queue.name AND job.state = waiting.state
      AND job.state IN ('created', 'retry') AND NOT blocked AND start_after <= now()
    ORDER BY start_after LIMIT 1) AS oldest
 WHERE since BETWEEN '0002-01-01' AND '9999-01-01' AND left(name, 10) <> '__pgboss__'
 GROUP BY name

-- name: oldest_active
SELECT name AS job_type, min(started_on) AS since
  FROM {schema}.job
 WHERE state = 'active' AND started_on BETWEEN '0002-01-01' AND '9999-01-01' AND left(name, 10) <> '__pgboss__'
 GROUP BY name

-- name: finished
-- job_i16, a range for each queue. The copy of a failed job in a dead letter queue is a job of its own, not yet finished.
SELECT id::text AS id, name AS job_type, state::text, retry_count AS retries, greatest(created_on, start_after) AS due_at,
       started_on AS started_at, completed_on AS finished_at
  FROM {schema}.job
 WHERE name = ANY (array(SELECT name FROM {schema}.queue WHERE left(name, 10) <> '__pgboss__'))
   AND completed_on >= %(since)s AND completed_on < %(until)s
   AND state IN ('completed', 'failed', 'cancelled')

-- name: first_completed
SELECT min(since)
  FROM {schema}.queue
 CROSS JOIN LATERAL (SELECT completed_on AS since FROM {schema}.job
                      WHERE job.name = queue.name AND completed_on BETWEEN '0002-01-01' AND '9999-01-01' AND state = 'completed'
                      ORDER BY completed_on LIMIT 1) AS first
 WHERE left(name, 10) <> '__pgboss__'

-- name: frontiers
-- job_i16, from the oldest on: the first that completed comes soon. Failed jobs stand in job_i14. The first cancelled one
-- may be far or nowhere: it is no older than the oldest that finished in whatever way.
SELECT 'completed' AS state, min(completed_on) AS since
  FROM {schema}.queue
 CROSS JOIN LATERAL (SELECT completed_on FROM {schema}.job
                      WHERE job.name = queue.name AND completed_on BETWEEN '0002-01-01' AND '9999-01-01' AND state = 'completed'
                      ORDER BY completed_on LIMIT 1) AS first
 WHERE left(name, 10) <> '__pgboss__'
UNION ALL
SELECT 'failed', min(completed_on) FROM {schema}.job WHERE state = 'failed' AND completed_on BETWEEN '0002-01-01' AND '9999-01-01' AND left(name, 10) <> '__pgboss__'
UNION ALL
SELECT 'cancelled', min(completed_on)
  FROM {schema}.queue
 CROSS JOIN LATERAL (SELECT completed_on FROM {schema}.job
                      WHERE job.name = queue.name AND completed_on BETWEEN '0002-01-01' AND '9999-01-01'
                      ORDER BY completed_on LIMIT 1) AS first
 WHERE left(name, 10) <> '__pgboss__'

-- name: workers
-- An instance says every heartbeat_seconds that it is alive. Dead ones stay a week; here they are shown for an hour, for no
-- instance that starts again takes the row of the one that died.
SELECT id::text AS worker, host AS hostname, pid, NULL AS mode, version,
       heartbeat_on > now() - %(lag)s::interval - greatest(60, 3::float8 * heartbeat_seconds) * interval '1 second' AS online,
       started_on AS started_at, heartbeat_on AS last_seen_at,
       NULL::bigint AS processed, NULL::bigint AS failed,
       (SELECT work ->> 'queue' FROM jsonb_array_elements(CASE jsonb_typeof(workers) WHEN 'array' THEN workers ELSE '[]' END) AS work
         WHERE work -> 'active' > '0' ORDER BY work ->> 'queue' LIMIT 1) AS current_job_type,
       NULL::timestamptz AS current_started_at
  FROM {schema}.instance
 WHERE stopped_on IS NULL AND heartbeat_on > now() - interval '1 hour'

-- name: schedules
-- Two schedules of one queue differ by their key.
SELECT name || CASE WHEN key = '' THEN '' ELSE '/' || key END AS job_type,
       '' AS description,
       cron,
       coalesce(timezone, 'UTC') AS timezone,
       CASE WHEN jsonb_typeof(options -> 'priority') = 'number'
            THEN least(greatest((options ->> 'priority')::numeric, -2147483648), 2147483647)::integer ELSE 0 END AS priority,
       NULL::interval AS expire_after,
       true AS enabled,
       (SELECT created_on FROM {schema}.job WHERE job.name = schedule.name AND job.id = last_job_id) AS last_enqueued_at,
       key = '' AS has_jobs
  FROM {schema}.schedule

-- name: holds
-- By a queue's policy a job that waits (short, stately), or waits or runs (exclusive), keeps every other one with its
-- singleton key away, and those of ticks with them. Each policy has a unique index (job_i1, job_i3, job_i6), of which this
-- asks for one entry. Of a newest tick's job the row tells when it stopped doing so; of a retried one only that it has.
SELECT name || CASE WHEN key = '' THEN '' ELSE '/' || key END AS job_type, hold.since, hold.until
  FROM {schema}.schedule
 CROSS JOIN LATERAL (SELECT created_on AS since, now() AS until
                       FROM {schema}.job
                      WHERE job.name = schedule.name
                        AND coalesce(job.singleton_key, '') = coalesce(schedule.options ->> 'singletonKey', '')
                        AND state = 'created' AND policy = 'short'
                      UNION ALL
                     SELECT created_on, now()
                       FROM {schema}.job
                      WHERE job.name = schedule.name
                        AND coalesce(job.singleton_key, '') = coalesce(schedule.options ->> 'singletonKey', '')
                        AND state = 'created' AND state <= 'active' AND policy = 'stately'
                      UNION ALL
                     SELECT created_on, now()
                       FROM {schema}.job
                      WHERE job.name = schedule.name
                        AND coalesce(job.singleton_key, '') = coalesce(schedule.options ->> 'singletonKey', '')
                        AND state <= 'active' AND policy = 'exclusive'
                      UNION ALL
                     SELECT created_on,
                            CASE WHEN policy = 'exclusive' THEN completed_on
                                 WHEN policy IN ('short', 'stately') AND retry_count = 0 AND state <> 'created'
                                 THEN coalesce(started_on, completed_on) END
                       FROM {schema}.job
                      WHERE job.name = schedule.name AND job.id = schedule.last_job_id
                      ORDER BY until DESC NULLS LAST, since
                      LIMIT 1) AS hold

-- name: recent_jobs
-- The newest hundred of each queue, a thousand in all: job_i15 has an order within a queue only.
SELECT job.id::text AS job_id, job.name AS job_type,
       CASE WHEN state = 'created' AND start_after > now() THEN 'scheduled'
            WHEN state = 'created' THEN 'pending'
            ELSE state::text END AS state,
       job.created_on AS created_at, started_on AS started_at, completed_on AS finished_at,
       retry_count AS retries, priority, NULL::text AS worker
  FROM {schema}.queue
 CROSS JOIN LATERAL (SELECT id, name, state, start_after, created_on, started_on, completed_on, retry_count, priority
                       FROM {schema}.job
                      WHERE job.name = queue.name
                      ORDER BY created_on DESC
                      LIMIT 100) AS job
 WHERE left(queue.name, 10) <> '__pgboss__'
 ORDER BY job.created_on DESC
 LIMIT 1000

-- name: index_live
CREATE INDEX CONCURRENTLY system_status_live ON {schema}.job_common (name, state, blocked, start_after)
 WHERE state IN ('created', 'retry', 'active', 'failed')

-- name: index_created
CREATE INDEX CONCURRENTLY system_status_created ON {schema}.job_common (name, created_on)

-- name: index_finished
CREATE INDEX CONCURRENTLY system_status_finished ON {schema}.job_common (name, completed_on)
 WHERE completed_on IS NOT NULL
