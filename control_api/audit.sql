-- The log of admin actions. Rows are only ever added: the role has no right to change them. Some may be older than
-- the checks: a time outside the years 2 to 9998, infinity included, is none, and a number of rows is none below 0.

-- name: begin
-- Two requests with the same id: the second waits for the first to commit, and then gets no row.
INSERT INTO system_status.admin_actions (source, action, actor, request_id, request, job_type, before)
VALUES (%(source)s, %(action)s, %(actor)s, %(request_id)s, %(request)s, %(job_type)s, %(before)s)
ON CONFLICT (source, actor, request_id) DO NOTHING
RETURNING id

-- name: same_request
SELECT id, request
  FROM system_status.admin_actions
 WHERE source = %(source)s AND actor = %(actor)s AND request_id = %(request_id)s

-- name: same_button
-- The newest press of a button. Two presses at the same time find the same one, and so make the same request id of it.
SELECT id, at > statement_timestamp() - %(within)s AS just_now
  FROM system_status.admin_actions
 WHERE source = %(source)s AND actor = %(actor)s AND request = %(request)s
   AND starts_with(request_id, %(request_id)s || ' after ')
 ORDER BY id DESC
 LIMIT 1

-- name: add_step
INSERT INTO system_status.admin_action_steps (action_id, seq, step, changed)
SELECT %(id)s, coalesce(max(seq), 0) + 1, %(step)s, %(changed)s
  FROM system_status.admin_action_steps
 WHERE action_id = %(id)s

-- name: add_end
-- The first end stays: a cut-off may come just behind it, or at the same moment.
INSERT INTO system_status.admin_action_steps (action_id, seq, step, note)
SELECT %(id)s, coalesce(max(seq), 0) + 1, %(step)s, left(%(note)s, {longest_note})
  FROM system_status.admin_action_steps
 WHERE action_id = %(id)s
HAVING NOT EXISTS (SELECT FROM system_status.admin_action_steps
                    WHERE action_id = %(id)s AND step IN ('done', 'failed', 'interrupted'))
ON CONFLICT (action_id) WHERE step IN ('done', 'failed', 'interrupted') DO NOTHING
RETURNING step

-- name: the_end
SELECT step
  FROM system_status.admin_action_steps
 WHERE action_id = %(id)s AND step IN ('done', 'failed', 'interrupted')

-- name: entries
-- An end is the first step of an action that has one; what changed is added up by step, in the order of beginning.
SELECT action.id, {source} AS source, {action} AS action, {actor} AS actor,
       CASE WHEN action.at BETWEEN '0002-01-01' AND '9999-01-01' THEN action.at END AS at,
       {request_id} AS request_id, {job_type} AS job_type,
       CASE WHEN action.before BETWEEN '0002-01-01' AND '9999-01-01' THEN action.before END AS before, now() AS read_at,
       coalesce(ended.step, 'running') AS state,
       CASE WHEN ended.at BETWEEN '0002-01-01' AND '9999-01-01' THEN ended.at END AS ended_at,
       {note} AS note,
       coalesce(steps.names, '{{}}') AS step_names,
       coalesce(steps.changed, '{{}}') AS step_changed
  FROM system_status.admin_actions AS action
  LEFT JOIN LATERAL (
    SELECT step, at, note
      FROM system_status.admin_action_steps
     WHERE action_id = action.id AND step IN ('done', 'failed', 'interrupted')
     ORDER BY seq
     LIMIT 1) AS ended ON true
  LEFT JOIN LATERAL (
    SELECT array_agg({step} ORDER BY first) AS names, array_agg(changed ORDER BY first) AS changed
      FROM (SELECT step, min(seq) AS first, sum(greatest(least(changed, 1000000000000), 0))::bigint AS changed
              FROM system_status.admin_action_steps
             WHERE action_id = action.id AND step NOT IN ('done', 'failed', 'interrupted')
             GROUP BY step
             ORDER BY first
             LIMIT {most_steps}) AS by_step) AS steps ON true
 WHERE (%(ids)s::bigint[] IS NULL OR action.id = ANY (%(ids)s))
   AND (%(source)s::text IS NULL OR action.source = %(source)s)
   AND (%(action)s::text IS NULL OR action.action = %(action)s)
   AND (%(actor)s::text IS NULL OR action.actor = %(actor)s)
   AND (%(but)s::text IS NULL OR action.actor <> %(but)s)
   AND (%(before_id)s::bigint IS NULL OR action.id < %(before_id)s)
 ORDER BY action.id DESC
 LIMIT %(limit)s

-- name: last_begun
-- By its time and not by its number, which a forger may have chosen. A time to come is nonsense, or the clock was set back.
SELECT at
  FROM system_status.admin_actions
 WHERE source = %(source)s AND action = %(action)s AND id IS DISTINCT FROM %(but_id)s AND at <= statement_timestamp()
   AND at >= '0002-01-01'
 ORDER BY at DESC
 LIMIT 1

-- name: last_done
SELECT ended.at
  FROM system_status.admin_actions AS action
  JOIN system_status.admin_action_steps AS ended ON ended.action_id = action.id AND ended.step = 'done'
 WHERE action.source = %(source)s AND action.action = %(action)s AND action.at <= statement_timestamp()
   AND ended.at BETWEEN '0002-01-01' AND '9999-01-01'
 ORDER BY action.at DESC
 LIMIT 1

-- name: unfinished
-- Of the last days, unless it is for ever: then the whole log is read. The newest, for those may be at work.
SELECT id, {action} AS action
  FROM system_status.admin_actions AS action
 WHERE source = %(source)s
   AND (%(ever)s OR at > now() - interval '7 days')
   AND NOT EXISTS (SELECT FROM system_status.admin_action_steps
                    WHERE action_id = action.id AND step IN ('done', 'failed', 'interrupted'))
 ORDER BY id DESC
 LIMIT {most_unfinished}

-- name: readable
SELECT EXISTS (SELECT FROM system_status.admin_actions),
       EXISTS (SELECT FROM system_status.admin_action_steps),
       EXISTS (SELECT FROM system_status.admin_action_leases)
