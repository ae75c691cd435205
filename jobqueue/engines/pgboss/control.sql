-- pg-boss, changed, by the same changes of rows as its own methods make. Each statement repeats the state that a row must
-- be in; rows that somebody holds are left to them. A batch is picked once, as held: a sub-select with a limit may be run again
-- for each row when the statistics are old, and then it is no limit.

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
  INSERT INTO {schema}.job (name, data, priority, start_after, created_on, singleton_key, singleton_on, group_id,
                            group_tier, keep_until, expire_seconds, deletion_seconds, retry_limit, retry_delay,
                            retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds)
  SELECT queue.name, data, coalesce((options ->> 'priority')::integer, 0), now(), now(), options ->> 'singletonKey',
         'epoch'::timestamp + interval '1 second' * (options ->> 'singletonSeconds')::float8
           * floor((date_part('epoch', now()) + coalesce((options ->> 'singletonOffset')::float8, 0))
                   / (options ->> 'singletonSeconds')::float8),
         options #>> '{{group,id}}', options #>> '{{group,tier}}',
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
SELECT (SELECT id::text FROM queued), 'a job of it is there already, and the queue''s policy, or the schedule''s throttle, takes no second one'
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
WITH held AS MATERIALIZED (
  SELECT name, id FROM {schema}.job
   WHERE state = 'active' AND started_on < %(before)s AND left(name, 10) <> '__pgboss__'
   LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
UPDATE {schema}.job
   SET state = 'failed', completed_on = now(), output = jsonb_build_object('message', %(reason)s::text)
 WHERE (name, id) IN (SELECT name, id FROM held) AND state::text = 'active'

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
WITH held AS MATERIALIZED (
  SELECT name, id FROM {schema}.job
   WHERE state = 'created' AND created_on < %(before)s AND start_after < %(before)s
     AND left(name, 10) <> '__pgboss__'
   ORDER BY priority, created_on DESC
   LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
UPDATE {schema}.job
   SET state = 'cancelled', completed_on = now()
 WHERE (name, id) IN (SELECT name, id FROM held) AND state::text = 'created'

-- name: completed_concerned
SELECT name, count(*) AS rows, min(completed_on) AS oldest
  FROM (SELECT job.*
          FROM {schema}.queue
         CROSS JOIN LATERAL (SELECT name, completed_on
                               FROM {schema}.job
                              WHERE name = queue.name AND completed_on < %(before)s
                                AND state = 'completed' AND NOT blocking
                                AND id <> ALL (array(SELECT last_job_id FROM {schema}.schedule
                                                      WHERE last_job_id IS NOT NULL))
                              ORDER BY completed_on
                              LIMIT %(at_most)s) AS job
         WHERE left(queue.name, 10) <> '__pgboss__'
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: completed
-- A job that others of its flow wait for stays, and so does that of a newest tick, which says when it was. The oldest of
-- each queue by job_i16, of those the oldest at all; some more than are deleted, in place of those that somebody holds.
WITH oldest AS MATERIALIZED (
  SELECT job.*
    FROM {schema}.queue
   CROSS JOIN LATERAL (SELECT name, id, completed_on
                         FROM {schema}.job
                        WHERE name = queue.name AND completed_on < %(before)s AND state = 'completed' AND NOT blocking
                          AND id <> ALL (array(SELECT last_job_id FROM {schema}.schedule WHERE last_job_id IS NOT NULL))
                        ORDER BY completed_on
                        LIMIT %(batch)s + 100) AS job
   WHERE left(queue.name, 10) <> '__pgboss__'
   ORDER BY completed_on
   LIMIT %(batch)s + 100
),
held AS MATERIALIZED (
  SELECT job.name, job.id
    FROM oldest
    JOIN {schema}.job ON job.name = oldest.name AND job.id = oldest.id
   WHERE job.state = 'completed' AND NOT job.blocking
   ORDER BY oldest.completed_on
   LIMIT %(batch)s FOR UPDATE OF job SKIP LOCKED
)
DELETE FROM {schema}.job
 WHERE (name, id) IN (SELECT name, id FROM held) AND state::text = 'completed'
RETURNING encode(sha256(convert_to(name, 'UTF8')), 'hex'), completed_on::text

-- name: keeps_count
-- Whether each queue has a count of its finished jobs, which has to be lowered with them. Without the right to do so, as after
-- an upgrade of pg-boss and before grants is run again, the jobs are deleted all the same: pg-boss counts anew by itself.
SELECT count(*) = 2
  FROM pg_attribute
 WHERE attrelid = to_regclass(quote_ident({schema_name}) || '.queue') AND attname IN ('retained_count', 'total_count')
   AND has_column_privilege(attrelid, attnum, 'UPDATE')

-- name: lower_counts
-- By the finish times of the jobs that are gone, queue by queue, each known by a digest: its name may be long. A count that is NULL stays so: pg-boss makes it with its
-- first maintenance of the queue, and takes any other value for the result of one.
UPDATE {schema}.queue
   SET retained_count = CASE WHEN retained_count IS NOT NULL THEN greatest(retained_count - counted, 0) END,
       total_count = greatest(total_count - jobs, 0)
  FROM (SELECT name, count(*) AS jobs, count(*) FILTER (WHERE completed_on <= retained_on) AS counted
          FROM unnest(%(digests)s::text[], %(times)s::text[]::timestamptz[]) AS gone (digest, completed_on)
          JOIN {schema}.queue ON encode(sha256(convert_to(name, 'UTF8')), 'hex') = digest
         GROUP BY name) AS of_queue
 WHERE queue.name = of_queue.name

-- name: failed_concerned
SELECT name, count(*) AS rows, min(completed_on) AS oldest
  FROM (SELECT job.*
          FROM {schema}.queue
         CROSS JOIN LATERAL (SELECT name, completed_on
                               FROM {schema}.job
                              WHERE name = queue.name AND state = 'failed' AND completed_on < %(before)s AND NOT blocking
                                AND id <> ALL (array(SELECT last_job_id FROM {schema}.schedule
                                                      WHERE last_job_id IS NOT NULL))
                              ORDER BY blocked, start_after
                              LIMIT %(at_most)s) AS job
         WHERE left(queue.name, 10) <> '__pgboss__'
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: failed
-- job_i14 has all failed jobs, without their ends: a look at each heap page once is cheaper than queue by queue.
WITH held AS MATERIALIZED (
  SELECT name, id FROM {schema}.job
   WHERE state = 'failed' AND completed_on < %(before)s AND NOT blocking
     AND left(name, 10) <> '__pgboss__'
     AND id <> ALL (array(SELECT last_job_id FROM {schema}.schedule WHERE last_job_id IS NOT NULL))
   ORDER BY completed_on
   LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
DELETE FROM {schema}.job
 WHERE (name, id) IN (SELECT name, id FROM held) AND state::text = 'failed'

-- name: grants
-- Run now copies "data" of a schedule; that of a job nobody reads.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT (id, name, state, priority, blocked, blocking, start_after, created_on, started_on, completed_on),
      INSERT (name, data, priority, start_after, created_on, singleton_key, singleton_on, group_id, group_tier, keep_until,
              expire_seconds, deletion_seconds, retry_limit, retry_delay, retry_backoff, retry_delay_max, policy,
              dead_letter, heartbeat_seconds),
      DELETE, UPDATE (state, completed_on, output) ON {schema}.job TO {role};
GRANT SELECT ON {schema}.queue, {schema}.schedule TO {role};
DO $body$ BEGIN
  GRANT UPDATE (retained_count, total_count) ON {schema}.queue TO {role};
EXCEPTION WHEN undefined_column THEN NULL;  -- before 12.36 there are no such counts
END $body$;
