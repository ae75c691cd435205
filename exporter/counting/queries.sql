-- The memory of counting in schema system_status: anchors, and the last 24 hours.

-- name: source
SELECT polled_at, counted_from, ends_from, writes FROM system_status.sources WHERE source = %(source)s

-- name: write_source
-- No row when another exporter has written since %(writes)s was read: this one has to read its figures first.
INSERT INTO system_status.sources AS known (source, polled_at, counted_from, ends_from, writes)
VALUES (%(source)s, %(polled_at)s, %(counted_from)s, %(ends_from)s, 1)
ON CONFLICT (source) DO UPDATE
   SET polled_at = coalesce(excluded.polled_at, known.polled_at),
       counted_from = coalesce(known.counted_from, excluded.counted_from),
       ends_from = coalesce(excluded.ends_from, known.ends_from),
       writes = known.writes + 1
 WHERE known.writes = %(writes)s
RETURNING writes

-- name: ends
SELECT floor(date_part('epoch', slot) / %(slot_seconds)s)::bigint AS slot, ends[:2 * {most_ends}] AS ends
  FROM system_status.run_ends
 WHERE source = %(source)s AND slot >= %(since)s
 LIMIT {most_minutes}

-- name: write_ends
-- A slot without ends is a crowded one, and stays so.
INSERT INTO system_status.run_ends AS known (source, slot, ends)
SELECT %(source)s, slot, ends::bigint[] FROM unnest(%(slots)s::timestamptz[], %(ends)s::text[]) AS row (slot, ends)
ON CONFLICT (source, slot) DO UPDATE
   SET ends = CASE WHEN '{{}}' IN (known.ends, excluded.ends) THEN '{{}}' ELSE known.ends || excluded.ends END

-- name: prune_ends
DELETE FROM system_status.run_ends WHERE source = %(source)s AND slot < %(before)s

-- name: minutes
SELECT floor(date_part('epoch', minute) / 60)::bigint AS minute, {job_type} AS job_type, runs, failures,
       retries, cancelled, run_seconds, run_max, wait_seconds, last_run_at, last_success_at,
       buckets[:{most_cells}] AS cells
  FROM system_status.run_minutes
 WHERE source = %(source)s AND minute >= %(since)s AND minute < %(until)s
 LIMIT {most_minutes}

-- name: write_minutes
-- Rows come as one array a column, buckets as array literals, so that any number takes one round trip. The larger row stays:
-- a minute that was kept in memory while nothing could be written may be older than the one that is there.
INSERT INTO system_status.run_minutes AS known
       (source, minute, job_type, runs, failures, retries, cancelled, run_seconds, run_max, wait_seconds, last_run_at,
        last_success_at, buckets)
SELECT %(source)s, minute, job_type, runs, failures, retries, cancelled, run_seconds, run_max, wait_seconds, last_run_at,
       last_success_at, buckets::int[]
  FROM unnest(%(minutes)s::timestamptz[], %(job_types)s::text[], %(runs)s::int[], %(failures)s::int[],
              %(retries)s::int[], %(cancelled)s::int[], %(run_seconds)s::float8[], %(run_max)s::float8[],
              %(wait_seconds)s::float8[], %(last_run_at)s::timestamptz[], %(last_success_at)s::timestamptz[],
              %(buckets)s::text[])
       AS row (minute, job_type, runs, failures, retries, cancelled, run_seconds, run_max, wait_seconds, last_run_at,
               last_success_at, buckets)
ON CONFLICT (source, minute, job_type) DO UPDATE
   SET runs = excluded.runs, failures = excluded.failures, retries = excluded.retries, cancelled = excluded.cancelled,
       run_seconds = excluded.run_seconds, run_max = excluded.run_max, wait_seconds = excluded.wait_seconds,
       last_run_at = excluded.last_run_at, last_success_at = excluded.last_success_at, buckets = excluded.buckets
 WHERE excluded.runs + excluded.cancelled > known.runs + known.cancelled

-- name: finished_by_minute
SELECT floor(date_part('epoch', minute) / 60)::bigint AS minute, sum(runs + cancelled)::bigint AS finished
  FROM system_status.run_minutes
 WHERE source = %(source)s AND minute >= %(since)s AND minute < %(until)s
 GROUP BY 1

-- name: prune_minutes
-- The rows of the newest run and the newest success of each type stay, however old: "last run" has to know them.
DELETE FROM system_status.run_minutes
 WHERE source = %(source)s AND minute < %(before)s
   AND (minute, job_type) NOT IN (SELECT * FROM unnest(%(kept_times)s::timestamptz[], %(kept_types)s::text[]))

-- name: day_figures
-- Job types for which there is no room (those that are known come first) are added up, in each of these queries: after the
-- grouping, which leaves few rows.
SELECT CASE WHEN known OR place <= %(places)s THEN job_type ELSE {other} END AS job_type,
       sum(runs)::bigint AS runs, sum(failures)::bigint AS failures
  FROM (SELECT *, job_type = ANY (%(known)s::text[]) AS known,
               dense_rank() OVER (ORDER BY job_type = ANY (%(known)s::text[]) DESC, job_type COLLATE "C") AS place
          FROM (SELECT {job_type} AS job_type, sum(runs) AS runs, sum(failures) AS failures
                  FROM system_status.run_minutes
                 WHERE source = %(source)s AND minute >= %(since)s
                 GROUP BY run_minutes.job_type) AS by_type) AS placed
 GROUP BY 1

-- name: day_durations
SELECT CASE WHEN known OR place <= %(places)s THEN job_type ELSE {other} END AS job_type, bucket, sum(runs)::bigint AS runs
  FROM (SELECT *, job_type = ANY (%(known)s::text[]) AS known,
               dense_rank() OVER (ORDER BY job_type = ANY (%(known)s::text[]) DESC, job_type COLLATE "C") AS place
          FROM (SELECT {job_type} AS job_type, (cell >> 21) - 512 AS bucket, sum(cell & 2097151) AS runs
                  FROM system_status.run_minutes, unnest(buckets) AS cell
                 WHERE source = %(source)s AND minute >= %(since)s AND cell >= 0
                 GROUP BY run_minutes.job_type, 2) AS by_type) AS placed
 GROUP BY 1, 2

-- name: day_maxima
-- Only those minutes that no later minute surpasses: a few a job type.
SELECT CASE WHEN known OR place <= %(places)s THEN job_type ELSE {other} END AS job_type,
       floor(date_part('epoch', minute) / 60)::bigint AS minute, max(run_max) AS run_max
  FROM (SELECT *, job_type = ANY (%(known)s::text[]) AS known,
               dense_rank() OVER (ORDER BY job_type = ANY (%(known)s::text[]) DESC, job_type COLLATE "C") AS place
          FROM (SELECT {job_type} AS job_type, minute, run_max,
                       max(run_max) OVER (PARTITION BY run_minutes.job_type ORDER BY minute DESC
                                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later
                  FROM system_status.run_minutes
                 WHERE source = %(source)s AND minute >= %(since)s AND run_max IS NOT NULL) AS suffixes
         WHERE later IS NULL OR run_max > later) AS placed
 GROUP BY 1, 2
 ORDER BY 1, 2

-- name: last_runs
-- With the first failure since the newest success, to the minute.
SELECT CASE WHEN known OR place <= %(places)s THEN job_type ELSE {other} END AS job_type,
       max(last_run_at) AS last_run_at, max(last_success_at) AS last_success_at, min(failing_since) AS failing_since
  FROM (SELECT *, job_type = ANY (%(known)s::text[]) AS known,
               row_number() OVER (ORDER BY job_type = ANY (%(known)s::text[]) DESC, last_run_at DESC NULLS LAST,
                                           job_type COLLATE "C") AS place
          FROM (SELECT {job_type} AS job_type, max(last_run_at) AS last_run_at, max(success) AS last_success_at,
                       min(last_run_at) FILTER (WHERE failures > 0 AND (success IS NULL OR last_run_at > success))
                         AS failing_since
                  FROM system_status.run_minutes
                  JOIN (SELECT job_type AS succeeded, max(last_success_at) AS success
                          FROM system_status.run_minutes
                         WHERE source = %(source)s
                         GROUP BY 1) AS successes ON succeeded = run_minutes.job_type
                 WHERE source = %(source)s
                 GROUP BY run_minutes.job_type) AS by_type) AS placed
 GROUP BY 1
