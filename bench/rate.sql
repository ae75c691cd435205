-- name: lag
-- The age of the newest read whose rows are kept.
SELECT extract(epoch FROM clock_timestamp() - polled_at)::float8 FROM system_status.sources WHERE source = 'main'

-- name: kept
SELECT coalesce(sum(runs), 0) FROM system_status.run_minutes WHERE job_type LIKE %(job_types)s
