-- name: begin
SELECT pg_advisory_lock_shared(x'C4A05'::int, %(lock)s)

-- name: flood
-- Below all other work, so that nothing else is late.
INSERT INTO ascent.jobs (job_type, priority, payload)
SELECT %(job_type)s, %(priority)s, '{{"chaos": true}}' FROM generate_series(1, %(jobs)s)

-- name: drain
DELETE FROM ascent.jobs WHERE state = 'pending' AND payload @> '{{"chaos": true}}'
