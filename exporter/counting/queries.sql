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
SELECT job_type, sum(runs)::bigint AS runs, sum(failures)::bigint AS failures
  FROM system_status.run_minutes
 WHERE source = %(source)s AND minute >= %(since)s
 GROUP BY job_type

-- name: day_durations
SELECT job_type, (cell >> 21) - 512 AS bucket, sum(cell & 2097151)::bigint AS runs
  FROM system_status.run_minutes, unnest(buckets) AS cell
 WHERE source = %(source)s AND minute >= %(since)s AND cell >= 0
 GROUP BY 1, 2

-- name: day_maxima
-- Only those minutes that no later minute surpasses: a few a job type.
SELECT job_type, floor(date_part('epoch', minute) / 60)::bigint AS minute, run_max
  FROM (SELECT job_type, minute, run_max,
               max(run_max) OVER (PARTITION BY job_type ORDER BY minute DESC
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later
          FROM system_status.run_minutes
         WHERE source = %(source)s AND minute >= %(since)s AND run_max IS NOT NULL) AS suffixes
 WHERE later IS NULL OR run_max > later
 ORDER BY job_type, minute

-- name: last_runs
SELECT job_type, max(last_run_at) AS last_run_at, max(last_success_at) AS last_success_at
  FROM system_status.run_minutes
 WHERE source = %(source)s
 GROUP BY job_type
