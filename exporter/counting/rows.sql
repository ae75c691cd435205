-- Rows of run_minutes, and in the same way of run_slots: {table} with its column {time}.

-- name: between
SELECT floor(date_part('epoch', {time}) / %(slot_seconds)s)::bigint AS slot, {job_type} AS job_type, runs, failures,
       retries, cancelled, run_seconds, run_max, wait_seconds, last_run_at, last_success_at,
       buckets[:{most_cells}] AS cells
  FROM system_status.{table}
 WHERE source = %(source)s AND {time} >= %(since)s AND {time} < %(until)s
 LIMIT {most_minutes}

-- name: write
-- Rows come as one array a column, buckets as array literals, so that any number takes one round trip. Replace when
-- larger: replicas and stale writers need no lock. The caller sorts by key: no two writers can deadlock.
INSERT INTO system_status.{table} AS known
       (source, {time}, job_type, runs, failures, retries, cancelled, run_seconds, run_max, wait_seconds, last_run_at,
        last_success_at, buckets)
SELECT %(source)s, time, job_type, runs, failures, retries, cancelled, run_seconds, run_max, wait_seconds, last_run_at,
       last_success_at, buckets::int[]
  FROM unnest(%(times)s::timestamptz[], %(job_types)s::text[], %(runs)s::int[], %(failures)s::int[],
              %(retries)s::int[], %(cancelled)s::int[], %(run_seconds)s::float8[], %(run_max)s::float8[],
              %(wait_seconds)s::float8[], %(last_run_at)s::timestamptz[], %(last_success_at)s::timestamptz[],
              %(buckets)s::text[])
       AS row (time, job_type, runs, failures, retries, cancelled, run_seconds, run_max, wait_seconds, last_run_at,
               last_success_at, buckets)
ON CONFLICT (source, {time}, job_type) DO UPDATE
   SET runs = excluded.runs, failures = excluded.failures, retries = excluded.retries, cancelled = excluded.cancelled,
       run_seconds = excluded.run_seconds, run_max = excluded.run_max, wait_seconds = excluded.wait_seconds,
       last_run_at = excluded.last_run_at, last_success_at = excluded.last_success_at, buckets = excluded.buckets
 WHERE excluded.runs + excluded.cancelled > known.runs + known.cancelled

-- name: prune
-- The rows of the newest run and the newest success of each type stay, however old: "last run" has to know them.
DELETE FROM system_status.{table}
 WHERE source = %(source)s AND {time} < %(before)s
   AND ({time}, job_type) NOT IN (SELECT * FROM unnest(%(kept_times)s::timestamptz[], %(kept_types)s::text[]))
