-- When a job was given up, which no column of Graphile Worker's says.

-- name: ended
-- Before the pause that would have come before the next attempt: a worker has written it all the same. A hand that failed the
-- job has set updated_at instead, and so has who put another one in its place, which takes its key: that is no new end.
CASE WHEN key IS NULL AND greatest(run_at, '0002-01-01') - exp(least(attempts, 10)) * interval '1 second' >= created_at
     THEN greatest(run_at, '0002-01-01') - exp(least(attempts, 10)) * interval '1 second'
     ELSE greatest(updated_at, greatest(run_at, '0002-01-01') - exp(least(attempts, 10)) * interval '1 second') END

-- name: recorded_end
-- The same where the recorder knows better: a job whose lock was taken away says nothing of it.
greatest({ended}, (SELECT max(finished_at) FROM system_status.recorded_runs
                    WHERE queue = {schema_name} AND job_id = jobs.id))
