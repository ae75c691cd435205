-- Who is at work, as a row that only the control API's role can write; and what no row of the log can say.

-- One clean-up of a kind is at work for each source. It lives on its lease, which each batch renews; whoever finds one that
-- ran out may take it. Its action has ended, or was interrupted, once the row is gone.
CREATE TABLE system_status.admin_action_leases (
  source     text        NOT NULL CHECK (char_length(source) BETWEEN 1 AND 63),
  action     text        NOT NULL CHECK (action ~ '^[a-z][a-z-]{0,39}$'),
  action_id  bigint      NOT NULL REFERENCES system_status.admin_actions (id),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (source, action)
);

-- NOT VALID: rows from before are left as they are, for the log isn't rewritten, and keep no migration from being done.
-- An action's name is only asked for its form: a newer version may know more of them.
-- A time is one that every program can read; what is touched was there when the action began.
ALTER TABLE system_status.admin_actions
  ADD CONSTRAINT admin_actions_id CHECK (id > 0) NOT VALID,
  ADD CONSTRAINT admin_actions_at CHECK (at BETWEEN '1970-01-01 00:00:00+00' AND '9998-12-31 00:00:00+00') NOT VALID,
  ADD CONSTRAINT admin_actions_source CHECK (char_length(source) BETWEEN 1 AND 63) NOT VALID,
  ADD CONSTRAINT admin_actions_action CHECK (action ~ '^[a-z][a-z-]{0,39}$') NOT VALID,
  ADD CONSTRAINT admin_actions_actor
    CHECK (actor = 'system:janitor' OR actor ~ '^(grafana|token|loopback):[^[:cntrl:]]{1,255}$') NOT VALID,
  ADD CONSTRAINT admin_actions_request_id CHECK (char_length(request_id) BETWEEN 1 AND 600) NOT VALID,
  ADD CONSTRAINT admin_actions_request CHECK (char_length(request) <= 64) NOT VALID,
  ADD CONSTRAINT admin_actions_job_type CHECK (char_length(job_type) BETWEEN 1 AND 500) NOT VALID,
  ADD CONSTRAINT admin_actions_before CHECK (before >= '1970-01-01 00:00:00+00' AND before <= at) NOT VALID;
ALTER TABLE system_status.admin_action_steps
  ADD CONSTRAINT admin_action_steps_seq CHECK (seq > 0) NOT VALID,
  ADD CONSTRAINT admin_action_steps_at CHECK (at BETWEEN '1970-01-01 00:00:00+00' AND '9998-12-31 00:00:00+00') NOT VALID,
  ADD CONSTRAINT admin_action_steps_step CHECK (step ~ '^[a-z][a-z_]{0,39}$') NOT VALID,
  ADD CONSTRAINT admin_action_steps_changed CHECK (changed BETWEEN 0 AND 1000000000) NOT VALID,
  ADD CONSTRAINT admin_action_steps_note CHECK (char_length(note) <= 2000) NOT VALID;

-- Runs as whoever inserts: its role reads all three tables anyway. Of a step and an end that come at the same moment the
-- primary key lets one pass.
CREATE FUNCTION system_status.check_admin_action_step() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM system_status.admin_action_steps AS step
              WHERE step.action_id = NEW.action_id AND step.step IN ('done', 'failed', 'interrupted')) THEN
    RAISE EXCEPTION 'action % has ended: nothing is added to it', NEW.action_id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.seq IS DISTINCT FROM (SELECT coalesce(max(step.seq), 0) + 1 FROM system_status.admin_action_steps AS step
                                WHERE step.action_id = NEW.action_id) THEN
    RAISE EXCEPTION 'step % of action % is out of turn', NEW.seq, NEW.action_id USING ERRCODE = 'check_violation';
  END IF;
  -- An end may be written for whoever died; a step only by what began in this transaction, or holds its lease.
  IF NEW.step NOT IN ('done', 'failed', 'interrupted') AND NOT EXISTS (
       SELECT FROM system_status.admin_actions AS action
        WHERE action.id = NEW.action_id
          AND (action.at = now() OR EXISTS (
                SELECT FROM system_status.admin_action_leases AS lease
                 WHERE lease.source = action.source AND lease.action = action.action AND lease.action_id = action.id))) THEN
    RAISE EXCEPTION 'action % holds no lease', NEW.action_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION system_status.check_admin_action_step() FROM PUBLIC;
CREATE TRIGGER admin_action_steps_check BEFORE INSERT ON system_status.admin_action_steps
  FOR EACH ROW EXECUTE FUNCTION system_status.check_admin_action_step();

-- When one of a kind last began is told by its time: a number may be one that somebody chose, before this was prevented.
CREATE INDEX admin_actions_begun ON system_status.admin_actions (source, action, at DESC);
