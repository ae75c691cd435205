-- When a job was given up, which no column of Graphile Worker's says.

-- name: ended
-- Before the pause that would have come before the next attempt: a worker has written it all the same. A hand that failed the
-- job has set updated_at instead, and so has who put another one in its place, which takes its key: that is no new end.
CASE WHEN key IS NULL AND run_at - exp(least(attempts, 10)) * interval '1 second' >= created_at
     THEN run_at - exp(least(attempts, 10)) * interval '1 second'
     ELSE greatest(updated_at, run_at - exp(least(attempts, 10)) * interval '1 second') END
