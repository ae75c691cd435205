-- The memory of counting in schema system_status: anchors, and the last 24 hours.

-- name: source
SELECT polled_at, counted_from FROM system_status.sources WHERE source = %(source)s

-- name: write_source
-- The anchor only moves forward; where history begins is said once.
INSERT INTO system_status.sources AS known (source, polled_at, counted_from)
VALUES (%(source)s, %(polled_at)s, %(counted_from)s)
ON CONFLICT (source) DO UPDATE
   SET polled_at = greatest(known.polled_at, excluded.polled_at),
       counted_from = coalesce(known.counted_from, excluded.counted_from)

-- name: set_back
-- The queue's clock was set back: an anchor that lies ahead of it would hide what finishes until then.
UPDATE system_status.sources SET polled_at = %(polled_at)s WHERE source = %(source)s AND polled_at > %(polled_at)s

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
