-- Where the log of a job begins, of which "log" is a row: ids begin anew after TRUNCATE pgqueuer RESTART IDENTITY, and the log
-- stays.

-- name: begins_after
-- After the last end of the job that had its id before; of all ends, "failed" alone leaves a job its row.
coalesce((SELECT max(ended.id) FROM {schema}.pgqueuer_log AS ended
           WHERE ended.job_id = log.job_id AND ended.id < log.id
             AND ended.status IN ('successful', 'exception', 'canceled', 'deleted')), 0)
