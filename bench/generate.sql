-- A week of jobs, and what waits at its end.

-- name: indexes
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'ascent' AND tablename = 'jobs' AND indexname <> 'jobs_pkey'

-- name: drop_index
DROP INDEX ascent.{index}

-- name: finished
-- Finish times lie evenly between %(since)s and %(until)s. Durations are log-normal around a median that goes from
-- 50 ms to 25 s with the job type, capped at six hours.
INSERT INTO ascent.jobs (job_type, state, payload, retries, run_after, created_at, started_at, finished_at, worker_id)
SELECT (%(job_types)s::text[])[type + 1],
       (CASE WHEN outcome < 0.93 THEN 'completed' WHEN outcome < 0.97 THEN 'failed' ELSE 'cancelled' END)::ascent.job_state,
       '{{"recipient": "someone@example.org", "template": "reminder"}}',
       CASE WHEN outcome BETWEEN 0.90 AND 0.97 THEN 3 ELSE 0 END,
       started_at - wait, started_at - wait, started_at, finished_at, 'worker-1'
  FROM (SELECT *, finished_at - make_interval(secs => least(0.05 * 2 ^ (type %% 10) * exp(tail), 21600)) AS started_at
          FROM (SELECT width_bucket(random(), %(thresholds)s::float8[]) AS type,
                       random() AS outcome,
                       random_normal(0, 1.5) AS tail,
                       make_interval(secs => exp(random_normal(0, 1))) AS wait,
                       %(until)s - (%(until)s - %(since)s) * (1 - n / %(rows)s::float8) AS finished_at
                  FROM generate_series(1, %(rows)s) AS n) AS drawn) AS timed

-- name: live
-- A twentieth waits to be tried again, a quarter isn't due yet, the rest is due.
INSERT INTO ascent.jobs (job_type, state, payload, retries, run_after, created_at, started_at, worker_id)
SELECT (%(job_types)s::text[])[type + 1],
       state::ascent.job_state,
       '{{"recipient": "someone@example.org", "template": "reminder"}}',
       CASE WHEN state = 'retry' THEN 1 ELSE 0 END,
       CASE WHEN state = 'pending' AND random() < 0.25 THEN now() + random() * interval '1 day' ELSE created_at END,
       created_at,
       CASE WHEN state = 'active' THEN created_at + interval '1 second' END,
       CASE WHEN state = 'active' THEN 'worker-1' END
  FROM (SELECT width_bucket(random(), %(thresholds)s::float8[]) AS type,
               CASE WHEN n <= %(active)s THEN 'active' WHEN n %% 20 = 0 THEN 'retry' ELSE 'pending' END AS state,
               now() - random() * interval '1 hour' AS created_at
          FROM generate_series(1, %(rows)s) AS n) AS drawn

-- name: workers
INSERT INTO ascent.workers (id, hostname, pid, mode, version, last_seen_at, processed, current_job_type, current_started_at)
SELECT 'worker-' || n, 'host-' || n, 1000 + n, 'all', '1.0.0', now() + interval '1 day', 1000 * n,
       (%(job_types)s::text[])[n], now()
  FROM generate_series(1, %(workers)s) AS n

-- name: schedules
INSERT INTO ascent.schedules (job_type, description, cron, last_enqueued_at)
SELECT job_type, 'Does what ' || job_type || ' says', n %% 60 || ' * * * *', now()
  FROM unnest(%(job_types)s::text[]) WITH ORDINALITY AS type (job_type, n)
