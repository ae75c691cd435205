-- The log of admin actions: one end for each, request ids by source, and an index for each way in which it is read.

-- Where an action was given two ends, the first was the true one.
DELETE FROM system_status.admin_action_steps AS later
 USING system_status.admin_action_steps AS earlier
 WHERE earlier.action_id = later.action_id AND earlier.seq < later.seq
   AND earlier.step IN ('done', 'failed', 'interrupted') AND later.step IN ('done', 'failed', 'interrupted');
CREATE UNIQUE INDEX admin_action_steps_end ON system_status.admin_action_steps (action_id)
 WHERE step IN ('done', 'failed', 'interrupted');

-- Two sources may stand in one database: an id that means one thing in two would be done for the first alone.
ALTER TABLE system_status.admin_actions
  DROP CONSTRAINT admin_actions_actor_request_id_key,
  ADD UNIQUE (source, actor, request_id);

CREATE INDEX admin_actions_of_kind ON system_status.admin_actions (source, action, id DESC);
-- The janitor's own rounds are most of the log, and what people did is what is looked for.
CREATE INDEX admin_actions_of_people ON system_status.admin_actions (source, id DESC) WHERE actor <> 'system:janitor';
