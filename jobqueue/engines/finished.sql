-- What finished in a span, for every engine: made of its query "finished", a row for each finished run or cancelled job
-- with id (of the job, or of the event that ended it), job_type, state (completed, failed or cancelled), retries, due_at,
-- started_at, finished_at. What an engine doesn't know is NULL there. A time outside the years 2 to 9998, infinity
-- included, is nonsense that no calendar of ours holds: it is none at all.

-- name: slot_counts
-- With a sum over the finish times: where one row has left a slot and another has come, their number is the same.
SELECT floor(date_part('epoch', finished_at) / %(slot_seconds)s)::bigint AS slot, count(*) AS rows,
       sum(hashfloat8(date_part('epoch', finished_at))) AS stamps
  FROM (
    {finished}
  ) AS finished
 GROUP BY 1

-- name: new_runs
-- The ends of jobs that aren't %(counted)s yet, added up by minute and job type, and a row for each slot with its ends. An end
-- is a job and its finish time, in 64 bits: a job that is retried by hand ends a second time.
-- Buckets are ceil(16 * log2(seconds)): 16 to a power of two, upper bounds inclusive; the 1e-9 keeps whole powers of
-- two in their own bucket, and a zero lands in the lowest. A nonsensical or missing start gives a run without duration.
-- No join of the two distributions: the newest rows lie beyond the planner's histogram, it expects one row and would
-- nest the loops. So they are rows of their own, with runs = 0, until they are added up. Job types for which there is no
-- room (%(places)s, those of %(known)s first) are added up too.
WITH measured AS (
  SELECT floor(date_part('epoch', finished_at) / 60)::bigint AS minute,
         floor(date_part('epoch', finished_at) / %(slot_seconds)s)::bigint AS slot,
         job_end,
         job_type,
         state,
         least(greatest(coalesce(retries, 0), 0), 32767) AS retries,  -- a nonsense one must not overflow the sum
         finished_at,
         state <> 'cancelled' AS is_run,
         CASE WHEN state <> 'cancelled' AND started_at BETWEEN '0002-01-01' AND '9999-01-01'
              THEN greatest(0, date_part('epoch', finished_at - started_at)) END AS duration,
         CASE WHEN state <> 'cancelled' AND started_at BETWEEN '0002-01-01' AND '9999-01-01'
                   AND due_at BETWEEN '0002-01-01' AND '9999-01-01'
              THEN greatest(0, date_part('epoch', started_at - due_at)) END AS wait
    FROM (SELECT *, hashtextextended(id, (date_part('epoch', finished_at) * 1000000)::bigint) AS job_end
            FROM (
              {finished}
            ) AS finished) AS identified
   WHERE job_end <> ALL (%(counted)s::bigint[])
),
bucketed AS MATERIALIZED (
  SELECT *,
         greatest(-320, least(511, ceil(16 / ln(2::float8) * ln(greatest(duration, 1e-9)) - 1e-9)))::int AS duration_bucket,
         greatest(-320, least(511, ceil(16 / ln(2::float8) * ln(greatest(wait, 1e-9)) - 1e-9)))::int AS wait_bucket
    FROM measured
),
durations AS (
  SELECT minute, job_type,
         CASE WHEN duration IS NOT NULL THEN duration_bucket END AS bucket,
         (count(*) FILTER (WHERE is_run))::int AS runs,
         (count(*) FILTER (WHERE state = 'failed'))::int AS failures,
         least(coalesce(sum(retries) FILTER (WHERE is_run), 0), 100000000)::int AS retries,
         (count(*) FILTER (WHERE NOT is_run))::int AS cancelled,
         sum(duration) AS run_seconds,
         max(duration) AS run_max,
         sum(wait) AS wait_seconds,
         max(finished_at) FILTER (WHERE is_run) AS last_run_at,
         max(finished_at) FILTER (WHERE state = 'completed') AS last_success_at
    FROM bucketed
   GROUP BY 1, 2, 3
),
waits AS (
  SELECT minute, job_type, wait_bucket AS bucket, count(*)::int AS runs
    FROM bucketed
   WHERE wait IS NOT NULL
   GROUP BY 1, 2, 3
),
grouped AS (
  SELECT minute, {job_type} AS job_type, 0 AS sign, bucket, runs AS in_bucket, runs, failures, retries, cancelled,
         run_seconds, run_max, wait_seconds, last_run_at, last_success_at
    FROM durations
  UNION ALL
  SELECT minute, {job_type}, 1 << 31, bucket, runs, 0, 0, 0, 0, 0, NULL, 0, NULL, NULL
    FROM waits
),
added AS (
  SELECT minute, CASE WHEN known OR place <= %(places)s THEN job_type ELSE {other} END AS job_type, sign, bucket,
         least(sum(in_bucket), 2097151)::int AS in_bucket,
         sum(runs)::int AS runs, sum(failures)::int AS failures, least(sum(retries), 100000000)::int AS retries,
         sum(cancelled)::int AS cancelled,
         sum(run_seconds) AS run_seconds, max(run_max) AS run_max, sum(wait_seconds) AS wait_seconds,
         max(last_run_at) AS last_run_at, max(last_success_at) AS last_success_at
    FROM (SELECT *, dense_rank() OVER (ORDER BY known DESC, job_type COLLATE "C") AS place
            FROM (SELECT *, job_type = ANY (%(known)s::text[]) AS known FROM grouped) AS weighed) AS placed
   GROUP BY 1, 2, 3, 4
)
SELECT minute, job_type,
       sum(runs)::int AS runs, sum(failures)::int AS failures,
       least(coalesce(sum(retries), 0), 100000000)::int AS retries,  -- those of a minute have to fit into an int
       sum(cancelled)::int AS cancelled,
       coalesce(sum(run_seconds), 0) AS run_seconds, max(run_max) AS run_max,
       coalesce(sum(wait_seconds), 0) AS wait_seconds,
       max(last_run_at) AS last_run_at, max(last_success_at) AS last_success_at,
       coalesce(array_agg(sign | ((bucket + 512) << 21) | in_bucket ORDER BY sign DESC, bucket)
                FILTER (WHERE bucket IS NOT NULL), '{{}}') AS cells,
       NULL::bigint AS slot, NULL::bigint[] AS ends
  FROM added
 GROUP BY 1, 2
 UNION ALL
SELECT NULL, NULL, 0, 0, 0, 0, 0, NULL, 0, NULL, NULL, NULL, slot, array_agg(job_end)
  FROM bucketed
 WHERE %(keep_ends)s
 GROUP BY slot
HAVING count(*) <= {most_ends}

-- name: finished_counts
-- The rows that are still there. Where "finished" has what is gone or has changed since, the engine has its own.
SELECT floor(date_part('epoch', finished_at) / %(slot_seconds)s)::bigint AS slot, job_type, state, count(*) AS jobs
  FROM (
    {finished}
  ) AS finished
 GROUP BY 1, 2, 3
