-- Every answer of an engine's own {query}, bounded before it leaves the database: around the query of the same name. The
-- numbers stand in jobqueue/bounds.py. Job types for which there is no room (%(places)s, those of %(known)s first) are added
-- up: this is done after the engine's own grouping, and costs what the groups cost. A time outside the years 2 to 9998, infinity
-- included, is none: no calendar of ours holds it. An engine leaves those out itself before it takes the least or the greatest.

-- name: engine_version
SELECT {version} AS version FROM ({query}) AS unbounded (version) LIMIT 1

-- name: older_version
SELECT {version} AS version FROM ({query}) AS unbounded (version) LIMIT 1

-- name: live_counts
-- Those with most jobs first.
SELECT CASE WHEN known OR place <= %(places)s THEN job_type ELSE {other} END AS job_type, state,
       sum(jobs)::bigint AS jobs, sum(ahead)::bigint AS ahead,
       count(*) FILTER (WHERE NOT known AND place > %(places)s) AS others
  FROM (SELECT *, dense_rank() OVER (ORDER BY known DESC, weight DESC, job_type COLLATE "C") AS place
          FROM (SELECT *, job_type = ANY (%(known)s::text[]) AS known,
                       sum(jobs) OVER (PARTITION BY job_type COLLATE "C") AS weight
                  FROM (SELECT {job_type} AS job_type, {state} AS state, jobs, ahead
                          FROM ({query}) AS unbounded (job_type, state, jobs, ahead)) AS bounded) AS weighed) AS placed
 GROUP BY 1, 2

-- name: oldest_ready
SELECT CASE WHEN known OR place <= %(places)s THEN job_type ELSE {other} END AS job_type, min(since) AS since
  FROM (SELECT *, row_number() OVER (ORDER BY known DESC, since, job_type COLLATE "C") AS place
          FROM (SELECT *, job_type = ANY (%(known)s::text[]) AS known
                  FROM (SELECT {job_type} AS job_type, since
                          FROM ({query}) AS unbounded (job_type, since)
                         WHERE since BETWEEN '0002-01-01' AND '9999-01-01') AS bounded) AS weighed) AS placed
 GROUP BY 1

-- name: oldest_active
SELECT CASE WHEN known OR place <= %(places)s THEN job_type ELSE {other} END AS job_type, min(since) AS since
  FROM (SELECT *, row_number() OVER (ORDER BY known DESC, since, job_type COLLATE "C") AS place
          FROM (SELECT *, job_type = ANY (%(known)s::text[]) AS known
                  FROM (SELECT {job_type} AS job_type, since
                          FROM ({query}) AS unbounded (job_type, since)
                         WHERE since BETWEEN '0002-01-01' AND '9999-01-01') AS bounded) AS weighed) AS placed
 GROUP BY 1

-- name: finished_counts
SELECT slot, CASE WHEN known OR place <= %(places)s THEN job_type ELSE {other} END AS job_type, state,
       sum(jobs)::bigint AS jobs, count(*) FILTER (WHERE NOT known AND place > %(places)s) AS others
  FROM (SELECT *, dense_rank() OVER (ORDER BY known DESC, job_type COLLATE "C") AS place
          FROM (SELECT *, job_type = ANY (%(known)s::text[]) AS known
                  FROM (SELECT slot, {job_type} AS job_type, {state} AS state, jobs
                          FROM ({query}) AS unbounded (slot, job_type, state, jobs)) AS bounded) AS weighed) AS placed
 GROUP BY 1, 2, 3

-- name: frontiers
-- OFFSET 0: else the planner copies each probe to each place where "since" stands.
SELECT {state} AS state, CASE WHEN since BETWEEN '0002-01-01' AND '9999-01-01' THEN since END AS since
  FROM (SELECT * FROM ({query}) AS unbounded (state, since) OFFSET 0) AS probed_once

-- name: workers
-- Those that were seen last, and how many there are.
SELECT {worker} AS worker, {hostname} AS hostname, pid, {mode} AS mode, {version} AS version, online,
       CASE WHEN started_at BETWEEN '0002-01-01' AND '9999-01-01' THEN started_at END AS started_at,
       CASE WHEN last_seen_at BETWEEN '0002-01-01' AND '9999-01-01' THEN last_seen_at END AS last_seen_at,
       processed, failed, {current_job_type} AS current_job_type,
       CASE WHEN current_started_at BETWEEN '0002-01-01' AND '9999-01-01' THEN current_started_at END AS current_started_at, number
  FROM (SELECT *, count(*) OVER () AS number
          FROM ({query}) AS unbounded (worker, hostname, pid, mode, version, online, started_at, last_seen_at, processed,
                                       failed, current_job_type, current_started_at)
         ORDER BY last_seen_at DESC NULLS LAST, left(worker, 200) COLLATE "C"
         LIMIT {most_workers}) AS newest

-- name: at_active
SELECT {worker} FROM ({query}) AS unbounded (worker) WHERE worker IS NOT NULL

-- name: schedules
SELECT {job_type} AS job_type, {description} AS description, {cron} AS cron, {timezone} AS timezone, priority,
       expire_after, enabled,
       CASE WHEN last_enqueued_at BETWEEN '0002-01-01' AND '9999-01-01' THEN last_enqueued_at END AS last_enqueued_at,
       has_jobs, number
  FROM (SELECT *, count(*) OVER () AS number
          FROM ({query}) AS unbounded (job_type, description, cron, timezone, priority, expire_after, enabled,
                                       last_enqueued_at, has_jobs)
         ORDER BY left(job_type, 500) COLLATE "C"
         LIMIT {most_schedules}) AS first

-- name: schedule
-- One of them, around "schedules", however many there are.
SELECT {job_type} AS job_type, {description} AS description, {cron} AS cron, {timezone} AS timezone, priority,
       expire_after, enabled,
       CASE WHEN last_enqueued_at BETWEEN '0002-01-01' AND '9999-01-01' THEN last_enqueued_at END AS last_enqueued_at,
       has_jobs, 1 AS number
  FROM ({query}) AS unbounded (job_type, description, cron, timezone, priority, expire_after, enabled, last_enqueued_at,
                               has_jobs)
 WHERE job_type = %(job_type)s
 LIMIT 1

-- name: ticks
-- Those of the recurring jobs that are %(asked)s for, then the newest.
SELECT job_type, at
  FROM (SELECT {job_type} AS job_type, at FROM ({query}) AS unbounded (job_type, at)
         WHERE at BETWEEN '0002-01-01' AND '9999-01-01') AS bounded
 ORDER BY job_type = ANY (%(asked)s::text[]) DESC, at DESC NULLS LAST, job_type COLLATE "C"
 LIMIT {most_ticks}

-- name: holds
-- Those of the recurring jobs that are %(asked)s for, then the newest.
SELECT job_type, since, until
  FROM (SELECT {job_type} AS job_type, since, until
          FROM ({query}) AS unbounded (job_type, since, until)
         WHERE since BETWEEN '0002-01-01' AND '9999-01-01' AND until BETWEEN since AND '9999-01-01') AS bounded
 ORDER BY job_type = ANY (%(asked)s::text[]) DESC, until DESC, job_type COLLATE "C"
 LIMIT {most_ticks}

-- name: recent_jobs
-- The view's; the query itself has a limit.
SELECT job_id, {job_type} AS job_type, state, created_at, started_at, finished_at, retries, priority, {worker} AS worker
  FROM ({query}) AS unbounded (job_id, job_type, state, created_at, started_at, finished_at, retries, priority, worker)

-- name: concerned
-- The largest, and one row for all others, which has how many they are.
SELECT min(name) FILTER (WHERE place <= {most_concerned}) AS name, sum(rows)::bigint AS rows, min(oldest) AS oldest,
       count(*) FILTER (WHERE place > {most_concerned}) AS others
  FROM (SELECT *, row_number() OVER (ORDER BY rows DESC, oldest, name COLLATE "C") AS place
          FROM (SELECT {name} AS name, rows,
                       CASE WHEN oldest BETWEEN '0002-01-01' AND '9999-01-01' THEN oldest END AS oldest
                  FROM ({query}) AS unbounded (name, rows, oldest)) AS bounded) AS placed
 GROUP BY least(place, {most_concerned} + 1)
 ORDER BY least(place, {most_concerned} + 1)
