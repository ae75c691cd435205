-- pg-boss, changed, by the same changes of rows as its own methods make. Each statement repeats the state that a row must
-- be in; rows that somebody holds are left to them.

-- name: run_now
-- As its scheduler sends a job. The policy comes from the queue: without it a queue that allows one job would get two.
-- A queue with "notify" is polled every 30 s only, so its workers are told.
WITH schedule AS (
  SELECT *
    FROM {schema}.schedule
   WHERE name || CASE WHEN key = '' THEN '' ELSE '/' || key END = %(job_type)s
   LIMIT 1
),
queued AS (
  INSERT INTO {schema}.job (name, data, priority, start_after, created_on, singleton_key, keep_until, expire_seconds,
                            deletion_seconds, retry_limit, retry_delay, retry_backoff, retry_delay_max, policy,
                            dead_letter, heartbeat_seconds)
  SELECT queue.name, data, coalesce((options ->> 'priority')::integer, 0), now(), now(), options ->> 'singletonKey',
         now() + coalesce((options ->> 'retentionSeconds')::integer, queue.retention_seconds) * interval '1 second',
         coalesce((options ->> 'expireInSeconds')::integer, queue.expire_seconds),
         coalesce((options ->> 'deleteAfterSeconds')::integer, queue.deletion_seconds),
         coalesce((options ->> 'retryLimit')::integer, queue.retry_limit),
         coalesce((options ->> 'retryDelay')::integer, queue.retry_delay),
         coalesce((options ->> 'retryBackoff')::boolean, queue.retry_backoff),
         coalesce((options ->> 'retryDelayMax')::integer, queue.retry_delay_max),
         queue.policy,
         coalesce(options ->> 'deadLetter', queue.dead_letter),
         coalesce((options ->> 'heartbeatSeconds')::integer, queue.heartbeat_seconds)
    FROM schedule
    JOIN {schema}.queue ON queue.name = schedule.name
  ON CONFLICT DO NOTHING
  RETURNING id, name
),
told AS MATERIALIZED (
  SELECT count(pg_notify('pgboss_' || left(encode(sha224(convert_to({schema_name}, 'UTF8')), 'hex'), 24), queue.name))
    FROM queued
    JOIN {schema}.queue ON queue.name = queued.name AND queue.notify
)
SELECT (SELECT id::text FROM queued), 'a job of it is there already, and the queue''s policy takes no second one'
  FROM schedule
 CROSS JOIN told

-- name: active_concerned
SELECT name, count(*) AS rows, min(started_on) AS oldest
  FROM (SELECT name, started_on
          FROM {schema}.job
         WHERE state = 'active' AND started_on < %(before)s AND left(name, 10) <> '__pgboss__'
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: active
-- For good, without the retries that are left and without a copy in a dead letter queue. A worker that comes to its end
-- later finds the job no longer active and changes nothing.
UPDATE {schema}.job
   SET state = 'failed', completed_on = now(), output = jsonb_build_object('message', %(reason)s::text)
 WHERE state = 'active'
   AND (name, id) IN (SELECT name, id FROM {schema}.job
                       WHERE state = 'active' AND started_on < %(before)s AND left(name, 10) <> '__pgboss__'
                       LIMIT %(batch)s FOR UPDATE SKIP LOCKED)

-- name: pending_concerned
SELECT name, count(*) AS rows, min(greatest(created_on, start_after)) AS oldest
  FROM (SELECT name, created_on, start_after
          FROM {schema}.job
         WHERE name = ANY (array(SELECT name FROM {schema}.queue WHERE left(name, 10) <> '__pgboss__'))
           AND state = 'created' AND blocked IN (false, true) AND start_after < %(before)s AND created_on < %(before)s
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: pending
-- From the end of the order in which workers fetch.
UPDATE {schema}.job
   SET state = 'cancelled', completed_on = now()
 WHERE state = 'created'
   AND (name, id) IN (SELECT name, id FROM {schema}.job
                       WHERE state = 'created' AND created_on < %(before)s AND start_after < %(before)s
                         AND left(name, 10) <> '__pgboss__'
                       ORDER BY priority, created_on DESC
                       LIMIT %(batch)s FOR UPDATE SKIP LOCKED)

-- name: completed_concerned
SELECT name, count(*) AS rows, min(completed_on) AS oldest
  FROM (SELECT job.*
          FROM {schema}.queue
         CROSS JOIN LATERAL (SELECT name, completed_on
                               FROM {schema}.job
                              WHERE name = queue.name AND completed_on < %(before)s
                                AND state = 'completed' AND NOT blocking
                              ORDER BY completed_on
                              LIMIT %(at_most)s) AS job
         WHERE left(queue.name, 10) <> '__pgboss__'
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: completed
-- A job that others of its flow wait for stays.
DELETE FROM {schema}.job
 WHERE state = 'completed'
   AND (name, id) IN (SELECT name, id FROM {schema}.job
                       WHERE name = ANY (array(SELECT name FROM {schema}.queue WHERE left(name, 10) <> '__pgboss__'))
                         AND completed_on < %(before)s AND state = 'completed' AND NOT blocking
                       ORDER BY completed_on
                       LIMIT %(batch)s FOR UPDATE SKIP LOCKED)

-- name: keeps_count
-- Whether each queue has a count of its finished jobs, which has to be lowered with them.
SELECT EXISTS (SELECT FROM pg_attribute
                WHERE attrelid = to_regclass(quote_ident({schema_name}) || '.queue') AND attname = 'retained_count')

-- name: completed_and_counted
WITH gone AS (
  DELETE FROM {schema}.job
   WHERE state = 'completed'
     AND (name, id) IN (SELECT name, id FROM {schema}.job
                         WHERE name = ANY (array(SELECT name FROM {schema}.queue WHERE left(name, 10) <> '__pgboss__'))
                           AND completed_on < %(before)s AND state = 'completed' AND NOT blocking
                         ORDER BY completed_on
                         LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
  RETURNING name, completed_on
),
of_queue AS (
  SELECT name, count(*) AS jobs, count(*) FILTER (WHERE completed_on <= retained_on) AS counted
    FROM gone
    JOIN {schema}.queue USING (name)
   GROUP BY name
),
lowered AS (
  UPDATE {schema}.queue
     SET retained_count = greatest(retained_count - counted, 0), total_count = greatest(total_count - jobs, 0)
    FROM of_queue
   WHERE queue.name = of_queue.name
)
SELECT FROM gone

-- name: failed_concerned
SELECT name, count(*) AS rows, min(completed_on) AS oldest
  FROM (SELECT job.*
          FROM {schema}.queue
         CROSS JOIN LATERAL (SELECT name, completed_on
                               FROM {schema}.job
                              WHERE name = queue.name AND completed_on < %(before)s AND state = 'failed' AND NOT blocking
                              ORDER BY completed_on
                              LIMIT %(at_most)s) AS job
         WHERE left(queue.name, 10) <> '__pgboss__'
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: failed
DELETE FROM {schema}.job
 WHERE state = 'failed'
   AND (name, id) IN (SELECT name, id FROM {schema}.job
                       WHERE state = 'failed' AND completed_on < %(before)s AND NOT blocking
                         AND left(name, 10) <> '__pgboss__'
                       ORDER BY completed_on
                       LIMIT %(batch)s FOR UPDATE SKIP LOCKED)

-- name: grants
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, DELETE, UPDATE (state, completed_on, output) ON {schema}.job TO {role};
GRANT SELECT, UPDATE ON {schema}.queue TO {role};
GRANT SELECT ON {schema}.schedule TO {role};
