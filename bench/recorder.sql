-- Graphile Worker's own work, by hand.

-- name: fill
SELECT count(*) FROM generate_series(1, %(jobs)s) AS n CROSS JOIN LATERAL graphile_worker.add_job('mail', json_build_object('n', n))

-- name: fetch
UPDATE graphile_worker._private_jobs SET attempts = attempts + 1, locked_by = 'bench', locked_at = now()
 WHERE id = (SELECT id FROM graphile_worker._private_jobs
              WHERE is_available AND run_at <= now()
              ORDER BY priority, run_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id

-- name: complete
DELETE FROM graphile_worker._private_jobs WHERE id = %(id)s

-- name: recorded
SELECT count(*) FROM system_status.recorded_runs

-- name: explain_complete
EXPLAIN (ANALYZE, FORMAT JSON) DELETE FROM graphile_worker._private_jobs WHERE id = %(id)s
