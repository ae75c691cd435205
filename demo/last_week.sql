-- name: day
-- What an hour of each type's runs was like in the last day.
SELECT job_type, count(*) / 24.0 * %(speed)s / %(alert_speed)s AS runs,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY date_part('epoch', finished_at - started_at)) / %(speed)s AS p95,
       avg(date_part('epoch', finished_at - started_at)) / %(speed)s AS mean
  FROM ascent.jobs
 WHERE state IN ('completed', 'failed') AND finished_at > now() - interval '1 day'
 GROUP BY job_type
