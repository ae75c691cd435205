-- River, changed, as its own JobCancel, JobDelete and completer change rows. Each statement repeats the state that a row
-- must be in; rows that somebody holds are left to them.

-- name: run_now
-- A copy of the newest periodic job, without what River noted about that one. Its unique key comes along, for a job that may
-- be there once only is not there twice; but not if a job that has ended holds it: the key of a period, or of its
-- arguments, is held by the tick that is copied. Workers are told; they would look by themselves after a second.
WITH last AS (
  SELECT kind, args, queue, max_attempts, priority, tags, unique_key, unique_states, metadata
    FROM {schema}.river_job
   WHERE kind = %(job_type)s AND metadata @> '{{"periodic": true}}'
   ORDER BY id DESC
   LIMIT 1
),
held AS (
  SELECT coalesce(bool_or(holder.finalized_at IS NOT NULL), false) AS by_the_past
    FROM last
    JOIN {schema}.river_job AS holder
      ON holder.unique_key = last.unique_key AND last.unique_states IS NOT NULL AND holder.unique_states IS NOT NULL
     AND {schema}.river_job_state_in_bitmask(holder.unique_states, holder.state)
),
queued AS (
  INSERT INTO {schema}.river_job (state, queue, kind, args, max_attempts, priority, tags, unique_key, unique_states,
                                  metadata)
  SELECT 'available', queue, kind, args, max_attempts, priority, tags,
         CASE WHEN NOT by_the_past THEN unique_key END, CASE WHEN NOT by_the_past THEN unique_states END,
         (SELECT coalesce(jsonb_object_agg(key, value), '{{}}') || '{{"run_now": true}}'
            FROM jsonb_each(metadata)
           WHERE key NOT IN ('periodic', 'output', 'cancel_attempted_at', 'snoozes', 'unique_key_conflict')
             AND left(key, 6) <> 'river:')
    FROM last
   CROSS JOIN held
   WHERE NOT (by_the_past AND EXISTS (SELECT FROM {schema}.river_job AS copy
                                       WHERE copy.kind = last.kind AND copy.metadata @> '{{"run_now": true}}'
                                         AND copy.finalized_at IS NULL))
  ON CONFLICT DO NOTHING
  RETURNING id, queue
),
told AS MATERIALIZED (
  SELECT count(pg_notify({schema_name} || '.river_insert', jsonb_build_object('queue', queue)::text)) FROM queued
)
SELECT (SELECT id::text FROM queued), 'a job of it is there already, and its unique key takes no second one'
  FROM last
 CROSS JOIN told

-- name: active_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT kind AS name, attempted_at AS at
          FROM {schema}.river_job
         WHERE state = 'running' AND attempted_at < %(before)s
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: active
-- For good, without the attempts that are left. A client that comes to the job's end later changes running jobs only; it is
-- told to end the job now, as by JobCancel, for until then the job keeps its place among those that run.
WITH ended AS (
  UPDATE {schema}.river_job
     SET state = 'discarded', finalized_at = now(),
         errors = array_append(errors, jsonb_build_object('at', now(), 'attempt', attempt, 'error', %(reason)s::text,
                                                          'trace', ''))
   WHERE id = ANY (ARRAY(
           SELECT id FROM {schema}.river_job
            WHERE state = 'running' AND attempted_at < %(before)s
            LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
     AND state::text = 'running'
  RETURNING id, queue
)
SELECT pg_notify({schema_name} || '.river_control',
                 jsonb_build_object('action', 'cancel', 'job_id', id, 'queue', queue)::text)
  FROM ended

-- name: pending_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT kind AS name, greatest(created_at, scheduled_at) AS at
          FROM {schema}.river_job
         WHERE state IN ('available', 'scheduled') AND attempt = 0 AND created_at < %(before)s AND scheduled_at < %(before)s
         ORDER BY state, queue, priority, scheduled_at, id
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: pending
-- From the end of the order in which clients fetch.
UPDATE {schema}.river_job
   SET state = 'cancelled', finalized_at = now(),
       metadata = jsonb_set(metadata, '{{cancel_attempted_at}}', to_jsonb(now())),
       errors = array_append(errors, jsonb_build_object('at', now(), 'attempt', attempt, 'error', %(reason)s::text,
                                                        'trace', ''))
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.river_job
          WHERE state IN ('available', 'scheduled') AND attempt = 0
            AND created_at < %(before)s AND scheduled_at < %(before)s
          ORDER BY priority DESC, scheduled_at DESC, id DESC
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text IN ('available', 'scheduled')

-- name: newest_ticks
-- river_job_metadata_index. What Run now copies stays.
SELECT max(id) FROM {schema}.river_job WHERE metadata @> '{{"periodic": true}}' GROUP BY kind

-- name: completed_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT kind AS name, finalized_at AS at
          FROM {schema}.river_job
         WHERE state = 'completed' AND finalized_at < %(before)s
           AND id <> ALL (array({newest_ticks}))
         ORDER BY finalized_at
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: completed
DELETE FROM {schema}.river_job
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.river_job
          WHERE state = 'completed' AND finalized_at < %(before)s
            AND id <> ALL (array({newest_ticks}))
          ORDER BY finalized_at
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text = 'completed'

-- name: failed_concerned
SELECT name, count(*) AS rows, min(at) AS oldest
  FROM (SELECT kind AS name, finalized_at AS at
          FROM {schema}.river_job
         WHERE state = 'discarded' AND finalized_at < %(before)s
           AND id <> ALL (array({newest_ticks}))
         ORDER BY finalized_at
         LIMIT %(at_most)s) AS counted
 GROUP BY name

-- name: failed
DELETE FROM {schema}.river_job
 WHERE id = ANY (ARRAY(
         SELECT id FROM {schema}.river_job
          WHERE state = 'discarded' AND finalized_at < %(before)s
            AND id <> ALL (array({newest_ticks}))
          ORDER BY finalized_at
          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
   AND state::text = 'discarded'

-- name: grants
GRANT USAGE ON SCHEMA {schema} TO {role};
-- An older version granted the whole table. Run now copies the arguments of a job, and so reads them; a job that is failed or
-- cancelled keeps the errors that it has, which takes the right to read them.
REVOKE SELECT, INSERT, UPDATE, DELETE ON {schema}.river_job FROM {role};
GRANT SELECT (id, kind, args, queue, state, attempt, max_attempts, priority, tags, unique_key, unique_states, metadata, errors,
              attempted_by, created_at, scheduled_at, attempted_at, finalized_at),
      INSERT (state, queue, kind, args, max_attempts, priority, tags, unique_key, unique_states, metadata),
      DELETE, UPDATE (state, finalized_at, errors, metadata) ON {schema}.river_job TO {role};
GRANT USAGE ON {schema}.river_job_id_seq TO {role};
