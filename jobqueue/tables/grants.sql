-- name: role
-- Without a password yet: give it one, or let pg_hba.conf decide.
DO $body$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {role_name}) THEN CREATE ROLE {role} LOGIN; END IF;
END $body$;

-- name: schema
GRANT USAGE ON SCHEMA {schema} TO {role};

-- name: columns
GRANT SELECT ({columns}) ON {schema}.{table} TO {role};

-- name: where_there
-- A table that comes with a version.
DO $body$ BEGIN
  IF to_regclass({place}) IS NOT NULL THEN {grant} END IF;
END $body$;

-- name: counting
GRANT SELECT, INSERT, UPDATE, DELETE
   ON system_status.sources, system_status.run_minutes, system_status.run_slots, system_status.schedule_changes TO {role};
GRANT SELECT ON system_status.migrations TO {role};

-- name: views
GRANT SELECT ON system_status.recent_jobs TO {role};

-- name: audit
-- The log can be added to and read, and nothing else.
GRANT SELECT, INSERT ON system_status.admin_actions, system_status.admin_action_steps TO {role};
GRANT SELECT ON system_status.api_tokens TO {role};
