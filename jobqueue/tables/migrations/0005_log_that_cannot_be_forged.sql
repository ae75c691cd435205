-- The log of admin actions takes only what can be true from the control API's role, and leases say which clean-up is at work.

-- One clean-up of a kind at a time for each source. The control API alone may see and change these rows.
CREATE TABLE system_status.admin_action_leases (
  source     text        NOT NULL,
  action     text        NOT NULL,
  action_id  bigint      NOT NULL REFERENCES system_status.admin_actions (id),
  expires_at timestamptz NOT NULL,  -- renewed by each batch
  PRIMARY KEY (source, action)
);

-- Rows that an older version let in stay as they are, so the checks aren't applied to them (NOT VALID).
ALTER TABLE system_status.admin_actions
  ADD CONSTRAINT admin_actions_texts CHECK (
    length(source) BETWEEN 1 AND 63
    AND action ~ '^[a-z][a-z-]{0,49}$'
    AND length(actor) <= 300 AND actor ~ '^(grafana|token|loopback|system):.'
    AND length(request_id) BETWEEN 1 AND 600
    AND length(request) <= 64
    AND length(job_type) <= 499) NOT VALID,
  ADD CONSTRAINT admin_actions_times CHECK (
    at BETWEEN '2000-01-01' AND '9999-01-01' AND before BETWEEN '2000-01-01' AND '9999-01-01') NOT VALID;
ALTER TABLE system_status.admin_action_steps
  ADD CONSTRAINT admin_action_steps_texts CHECK (step ~ '^[a-z][a-z_]{0,49}$' AND length(note) <= 2000) NOT VALID,
  ADD CONSTRAINT admin_action_steps_numbers CHECK (seq > 0 AND changed BETWEEN 0 AND 1000000000000) NOT VALID,
  ADD CONSTRAINT admin_action_steps_times CHECK (at BETWEEN '2000-01-01' AND '9999-01-01') NOT VALID;

-- The functions run with the rights of the role that adds a row, and lend it no others.
CREATE FUNCTION system_status.check_admin_action() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF NEW.before > clock_timestamp() THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'an action touches nothing that comes later than itself';
  END IF;
  RETURN NEW;
END $body$;

CREATE FUNCTION system_status.check_admin_action_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  ended boolean;
  newest integer;
BEGIN
  SELECT bool_or(step IN ('done', 'failed', 'interrupted')), max(seq) INTO ended, newest
    FROM system_status.admin_action_steps
   WHERE action_id = NEW.action_id;
  IF ended AND NEW.step IN ('done', 'failed', 'interrupted') THEN
    RETURN NULL;  -- the first end stays
  ELSIF ended THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'no step follows the end of an action';
  ELSIF NEW.seq <> coalesce(newest, 0) + 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'steps are numbered one after the other';
  END IF;
  RETURN NEW;
END $body$;

REVOKE EXECUTE ON FUNCTION system_status.check_admin_action(), system_status.check_admin_action_step() FROM PUBLIC;
CREATE TRIGGER check_admin_action BEFORE INSERT ON system_status.admin_actions
  FOR EACH ROW EXECUTE FUNCTION system_status.check_admin_action();
CREATE TRIGGER check_admin_action_step BEFORE INSERT ON system_status.admin_action_steps
  FOR EACH ROW EXECUTE FUNCTION system_status.check_admin_action_step();
