-- name: read
SELECT {job_type} AS job_type, {cron} AS cron, {timezone} AS timezone, enabled, since,
       coalesce(served_until, since) AS served_until
  FROM system_status.schedule_changes
 WHERE source = %(source)s
 ORDER BY schedule_changes.job_type COLLATE "C"
 LIMIT {most_schedules}

-- name: write
-- Of replicas that saw the same change, the first one says when it was; of those that saw its ticks, the last.
INSERT INTO system_status.schedule_changes AS known (source, job_type, cron, timezone, enabled, since, served_until)
SELECT %(source)s, row.*
  FROM unnest(%(job_types)s::text[], %(crons)s::text[], %(timezones)s::text[], %(enabled)s::boolean[],
              %(since)s::timestamptz[], %(served_until)s::timestamptz[]) AS row
ON CONFLICT (source, job_type) DO UPDATE
   SET cron = excluded.cron, timezone = excluded.timezone, enabled = excluded.enabled,
       since = CASE WHEN (known.cron, known.timezone, known.enabled)
                         = (excluded.cron, excluded.timezone, excluded.enabled) THEN known.since
                    ELSE excluded.since END,
       served_until = excluded.served_until
 WHERE (known.cron, known.timezone, known.enabled) IS DISTINCT FROM (excluded.cron, excluded.timezone, excluded.enabled)
    OR known.served_until IS NULL OR known.served_until < excluded.served_until

-- name: forget
DELETE FROM system_status.schedule_changes WHERE source = %(source)s AND job_type <> ALL (%(job_types)s::text[])
