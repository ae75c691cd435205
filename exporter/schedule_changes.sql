-- name: read
SELECT {job_type} AS job_type, {cron} AS cron, {timezone} AS timezone, enabled, since
  FROM system_status.schedule_changes
 WHERE source = %(source)s
 ORDER BY schedule_changes.job_type COLLATE "C"
 LIMIT {most_schedules}

-- name: write
-- Of replicas that saw the same change, the first one says when it was.
INSERT INTO system_status.schedule_changes AS known (source, job_type, cron, timezone, enabled, since)
SELECT %(source)s, row.*
  FROM unnest(%(job_types)s::text[], %(crons)s::text[], %(timezones)s::text[], %(enabled)s::boolean[],
              %(since)s::timestamptz[]) AS row
ON CONFLICT (source, job_type) DO UPDATE
   SET cron = excluded.cron, timezone = excluded.timezone, enabled = excluded.enabled, since = excluded.since
 WHERE (known.cron, known.timezone, known.enabled) IS DISTINCT FROM (excluded.cron, excluded.timezone, excluded.enabled)

-- name: forget
DELETE FROM system_status.schedule_changes WHERE source = %(source)s AND job_type <> ALL (%(job_types)s::text[])
