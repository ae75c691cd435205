-- The log of admin actions. Rows are only ever added: the role has no right to change them.

-- name: begin
-- Two requests with the same id: the second waits for the first to commit, and then gets no row.
INSERT INTO system_status.admin_actions (source, action, actor, request_id, request, job_type, before)
VALUES (%(source)s, %(action)s, %(actor)s, %(request_id)s, %(request)s, %(job_type)s, %(before)s)
ON CONFLICT (actor, request_id) DO NOTHING
RETURNING id

-- name: same_request
SELECT id, source, request FROM system_status.admin_actions WHERE actor = %(actor)s AND request_id = %(request_id)s

-- name: add_step
INSERT INTO system_status.admin_action_steps (action_id, seq, step, changed, note)
SELECT %(id)s, coalesce(max(seq), 0) + 1, %(step)s, %(changed)s, %(note)s
  FROM system_status.admin_action_steps
 WHERE action_id = %(id)s

-- name: entries
-- An end is the newest step of an action that has one; what changed is added up by step, in the order of beginning.
SELECT action.id, action.source, action.action, action.actor, action.at, action.request_id, action.job_type,
       action.before,
       coalesce(ended.step, 'running') AS state,
       ended.at AS ended_at,
       ended.note,
       coalesce(steps.names, '{{}}') AS step_names,
       coalesce(steps.changed, '{{}}') AS step_changed
  FROM system_status.admin_actions AS action
  LEFT JOIN LATERAL (
    SELECT step, at, note
      FROM system_status.admin_action_steps
     WHERE action_id = action.id AND step IN ('done', 'failed', 'interrupted')
     ORDER BY seq DESC
     LIMIT 1) AS ended ON true
  LEFT JOIN LATERAL (
    SELECT array_agg(step ORDER BY first) AS names, array_agg(changed ORDER BY first) AS changed
      FROM (SELECT step, min(seq) AS first, sum(changed)::bigint AS changed
              FROM system_status.admin_action_steps
             WHERE action_id = action.id AND step NOT IN ('done', 'failed', 'interrupted')
             GROUP BY step) AS by_step) AS steps ON true
 WHERE (%(id)s::bigint IS NULL OR action.id = %(id)s)
   AND (%(source)s::text IS NULL OR action.source = %(source)s)
   AND (%(action)s::text IS NULL OR action.action = %(action)s)
   AND (%(actor)s::text IS NULL OR action.actor = %(actor)s)
   AND (%(before_id)s::bigint IS NULL OR action.id < %(before_id)s)
 ORDER BY action.id DESC
 LIMIT %(limit)s

-- name: last_done
SELECT ended.at
  FROM system_status.admin_actions AS action
  JOIN system_status.admin_action_steps AS ended ON ended.action_id = action.id AND ended.step = 'done'
 WHERE action.source = %(source)s AND action.action = %(action)s
 ORDER BY action.id DESC
 LIMIT 1

-- name: unfinished
SELECT id, action
  FROM system_status.admin_actions AS action
 WHERE source = %(source)s
   AND at > now() - interval '7 days'
   AND NOT EXISTS (SELECT FROM system_status.admin_action_steps
                    WHERE action_id = action.id AND step IN ('done', 'failed', 'interrupted'))
 ORDER BY id
