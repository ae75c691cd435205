-- A million jobs for each engine: a week of history whose newest finish lies at now, fifty job types, 5 % live. No
-- trigger fires and no index is there meanwhile.

-- name: procrastinate
INSERT INTO procrastinate_jobs (id, queue_name, task_name, status, attempts, queueing_lock, scheduled_at)
SELECT n, 'default', 'type-' || (n % 50), status::procrastinate_job_status,
       (status <> 'todo' AND status <> 'cancelled' OR n % 41 = 1)::integer, 'lock-' || n,
       CASE WHEN n % 3 = 0 AND status = 'todo' THEN now() + interval '1 hour' END
  FROM (SELECT n, CASE WHEN n > 950000 THEN CASE WHEN n % 500 = 0 THEN 'doing' ELSE 'todo' END
                       ELSE CASE n % 21 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'succeeded' END END AS status
          FROM generate_series(1, 1000000) AS n) AS jobs;
INSERT INTO procrastinate_events (job_id, type, at)
SELECT job.id, event.type, now() - interval '7 days' * (1 - job.id / 1e6) + event.after
  FROM procrastinate_jobs AS job
 CROSS JOIN LATERAL (VALUES ('deferred'::procrastinate_job_event_type, interval '0'),
                            (CASE WHEN status NOT IN ('todo', 'cancelled')
                                  THEN 'started'::procrastinate_job_event_type END, interval '1 s'),
                            (CASE WHEN status NOT IN ('todo', 'doing')
                                  THEN status::text::procrastinate_job_event_type END, interval '7 days' * 0.05))
         AS event (type, after)
 WHERE event.type IS NOT NULL
 ORDER BY job.id;
INSERT INTO procrastinate_workers DEFAULT VALUES;
INSERT INTO procrastinate_workers (last_heartbeat) SELECT now() FROM generate_series(2, 20);
UPDATE procrastinate_jobs SET worker_id = 1 + id / 500 % 20 WHERE status = 'doing';
INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp, job_id)
SELECT 'type-' || n, 1, n FROM generate_series(0, 49) AS n

-- name: pgboss
SELECT pgboss.create_queue('type-' || n, '{{"policy": "standard"}}') FROM generate_series(0, 49) AS n;
INSERT INTO pgboss.job (name, state, policy, singleton_key, start_after, created_on, started_on, completed_on)
SELECT 'type-' || (n % 50), state, (array['exclusive', 'short', 'stately'])[1 + n % 3], n, due + CASE WHEN state = 'created' AND n % 3 = 0 THEN interval '8 days' ELSE '0' END, due,
       CASE WHEN state NOT IN ('created', 'retry') THEN due + interval '1 s' END,
       CASE WHEN state IN ('completed', 'failed', 'cancelled') THEN due + interval '7 days' * 0.05 END
  FROM (SELECT n, now() - interval '7 days' * (1 - n / 1e6) AS due,
               (CASE WHEN n > 950000 THEN CASE WHEN n % 500 = 0 THEN 'active' WHEN n % 41 = 1 THEN 'retry' ELSE 'created' END
                ELSE CASE n % 21 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'completed' END
                END)::pgboss.job_state AS state
          FROM generate_series(1, 1000000) AS n) AS jobs;
INSERT INTO pgboss.schedule (name, cron, last_job_id)
SELECT DISTINCT ON (name) name, '* * * * *', id FROM pgboss.job ORDER BY name, created_on DESC;
INSERT INTO pgboss.instance (id, host, pid, version, node_version, heartbeat_seconds, supervise, schedule, migrate,
                             persist_queue_stats, persist_warnings)
SELECT gen_random_uuid(), 'host', n, '12.38.0', '22', 60, true, true, true, true, true FROM generate_series(1, 20) AS n

-- name: river
INSERT INTO river_job (kind, state, args, attempt, unique_key, unique_states, created_at, scheduled_at, attempted_at,
                       finalized_at, metadata)
SELECT 'type-' || (n % 50), state, '{{}}', (state NOT IN ('available', 'scheduled', 'cancelled'))::integer,
       int4send(n), B'11110101', due,
       due + CASE WHEN state = 'scheduled' THEN interval '8 days' ELSE '0' END,
       CASE WHEN state NOT IN ('available', 'scheduled') THEN due + interval '1 s' END,
       CASE WHEN state IN ('completed', 'discarded', 'cancelled') THEN due + interval '7 days' * 0.05 END,
       CASE WHEN n % 100 = 7 THEN '{{"periodic": true}}' ELSE '{{}}' END::jsonb
  FROM (SELECT n, now() - interval '7 days' * (1 - n / 1e6) AS due,
               (CASE WHEN n > 950000 THEN CASE WHEN n % 500 = 0 THEN 'running' WHEN n % 41 = 1 THEN 'retryable'
                                               WHEN n % 3 = 0 THEN 'scheduled' ELSE 'available' END
                ELSE CASE n % 21 WHEN 0 THEN 'discarded' WHEN 1 THEN 'cancelled' ELSE 'completed' END
                END)::river_job_state AS state
          FROM generate_series(1, 1000000) AS n) AS jobs

-- name: oban
INSERT INTO oban_jobs (worker, state, attempt, attempted_by, inserted_at, scheduled_at, attempted_at, completed_at, discarded_at,
                       cancelled_at, meta)
SELECT 'type-' || (n % 50), state, (state NOT IN ('available', 'scheduled', 'cancelled'))::integer,
       array['node', md5((n / 500 % 20)::text)::uuid::text], due,
       due + CASE WHEN state = 'scheduled' THEN interval '8 days' ELSE '0' END,
       CASE WHEN state NOT IN ('available', 'scheduled') THEN due + interval '1 s' END,
       CASE WHEN state = 'completed' THEN ended END, CASE WHEN state = 'discarded' THEN ended END,
       CASE WHEN state = 'cancelled' THEN ended END,
       CASE WHEN n % 100 = 7 THEN '{{"cron": true}}' ELSE '{{}}' END::jsonb
  FROM (SELECT n, due AT TIME ZONE 'UTC' AS due, (due + interval '7 days' * 0.05) AT TIME ZONE 'UTC' AS ended,
               (CASE WHEN n > 950000 THEN CASE WHEN n % 500 = 0 THEN 'executing' WHEN n % 41 = 1 THEN 'retryable'
                                               WHEN n % 3 = 0 THEN 'scheduled' ELSE 'available' END
                ELSE CASE n % 21 WHEN 0 THEN 'discarded' WHEN 1 THEN 'cancelled' ELSE 'completed' END
                END)::oban_job_state AS state
          FROM (SELECT n, now() - interval '7 days' * (1 - n / 1e6) AS due
                  FROM generate_series(1, 1000000) AS n) AS numbers) AS jobs

-- name: oban_producers
INSERT INTO oban_producers (uuid, name, node, queue)
SELECT md5(n::text)::uuid, 'oban', 'node', 'default' FROM generate_series(0, 19) AS n

-- name: pgqueuer
INSERT INTO pgqueuer (id, priority, entrypoint, status, attempts, created, updated, execute_after)
SELECT n, 0, 'type-' || (n % 50), (CASE WHEN n % 500 = 0 THEN 'picked' ELSE 'queued' END)::pgqueuer_status,
       (n % 41 = 1)::integer, now() - interval '1 hour', now(),
       now() + CASE WHEN n % 3 = 0 THEN interval '8 days' ELSE '-1 hour' END
  FROM generate_series(950001, 1000000) AS n;
INSERT INTO pgqueuer_log (job_id, entrypoint, priority, status, created)
SELECT n, 'type-' || (n % 50), 0, event.status::pgqueuer_status, now() - interval '7 days' * (1 - n / 1e6) + event.after
  FROM generate_series(1, 1000000, 2) AS n
 CROSS JOIN LATERAL (VALUES ('queued', interval '0'),
                            (CASE WHEN n <= 950000 AND n % 21 <> 1 THEN 'picked' END, interval '1 s'),
                            (CASE WHEN n <= 950000 THEN
                                  CASE n % 21 WHEN 0 THEN 'exception' WHEN 1 THEN 'canceled' ELSE 'successful' END
                             END, interval '7 days' * 0.05)) AS event (status, after)
 WHERE event.status IS NOT NULL
 ORDER BY n;
INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run)
SELECT '* * * * *', 'type-' || n, now() FROM generate_series(0, 49) AS n

-- name: graphile
-- What has ended is recorded: the engine's own table has what is live, and what was given up.
INSERT INTO graphile_worker._private_tasks (identifier) SELECT 'type-' || n FROM generate_series(0, 49) AS n;
INSERT INTO graphile_worker._private_jobs (task_id, attempts, max_attempts, created_at, updated_at, run_at, locked_at)
SELECT task.id, CASE WHEN n > 50000 THEN 1 ELSE (n % 41 = 1)::integer END, CASE WHEN n > 50000 THEN 1 ELSE 25 END,
       due, due, due + CASE WHEN n <= 50000 AND n % 3 = 0 THEN interval '8 days' ELSE '0' END,
       CASE WHEN n % 500 = 0 THEN now() END
  FROM (SELECT n, now() - interval '7 days' * (1 - n / 1e5) AS due FROM generate_series(1, 95000) AS n) AS jobs
  JOIN graphile_worker._private_tasks AS task ON task.identifier = 'type-' || (n % 50);
INSERT INTO system_status.recorded_runs (queue, job_type, state, retries, due_at, started_at, finished_at)
SELECT 'graphile_worker', 'type-' || (n % 50), CASE n % 21 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'completed' END,
       0, due, due, due
  FROM (SELECT n, now() - interval '7 days' * (1 - n / 1e6) AS due FROM generate_series(1, 1000000) AS n) AS runs
