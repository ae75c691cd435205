-- name: role
-- Without a password yet: give it one, or let pg_hba.conf decide.
DO $body$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {role_name}) THEN CREATE ROLE {role} LOGIN; END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'role % is missing, and % may not make it', {role_name}, current_user USING
    ERRCODE = 'insufficient_privilege',
    HINT = 'A role with CREATEROLE runs the output of "grants --roles" first, then the owner that of "grants --rights".';
END $body$;

-- name: role_is_there
DO $body$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {role_name}) THEN
    RAISE EXCEPTION 'role % is missing', {role_name} USING
      ERRCODE = 'undefined_object', HINT = 'A role with CREATEROLE runs the output of "grants --roles" first.';
  END IF;
END $body$;

-- name: schema
GRANT USAGE ON SCHEMA {schema} TO {role};

-- name: columns
GRANT SELECT ({columns}) ON {schema}.{table} TO {role};

-- name: where_there
-- A table that comes with a version, a view that stands beside a queue.
DO $body$ BEGIN
  IF to_regclass({place}) IS NOT NULL THEN {grant} END IF;
END $body$;

-- name: counting
GRANT SELECT, INSERT, UPDATE, DELETE
   ON system_status.sources, system_status.run_minutes, system_status.run_ends, system_status.schedule_changes TO {role};
GRANT SELECT ON system_status.migrations TO {role};

-- name: reader_limits
-- Whoever may send SQL as this role may change all of these settings but the number of connections: they hold mistakes off.
DO $body$ BEGIN
  ALTER ROLE {role} CONNECTION LIMIT 10;
  ALTER ROLE {role} RESET ALL;
  ALTER ROLE {role} SET default_transaction_read_only = on;
  ALTER ROLE {role} SET search_path = pg_catalog, pg_temp;
  ALTER ROLE {role} SET statement_timeout = '30s';
  ALTER ROLE {role} SET lock_timeout = '2s';
  ALTER ROLE {role} SET idle_in_transaction_session_timeout = '30s';
  IF current_setting('server_version_num')::integer >= 170000 THEN
    ALTER ROLE {role} SET transaction_timeout = '60s';
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'role % keeps the limits that it has: a role that administers it has to run this block', {role_name};
END $body$;
-- Every role of a database may do the following, so other programs may need it. Taken from all at once, by the owner of the
-- database (the first) and a superuser (the others):
-- DO $body$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $body$;
-- REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea),
--   pg_catalog.pg_notify(text, text), pg_catalog.pg_sleep(double precision) FROM PUBLIC;
-- REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- name: views
GRANT SELECT ON system_status.recent_jobs TO {role};

-- name: audit
-- The log can be added to and read, and nothing else: when, and under which number, is for the database to say. What older
-- versions granted beyond that is taken back.
REVOKE INSERT ON system_status.admin_actions, system_status.admin_action_steps FROM {role};
GRANT SELECT, INSERT (source, action, actor, request_id, request, job_type, before) ON system_status.admin_actions TO {role};
GRANT SELECT, INSERT (action_id, seq, step, changed, note) ON system_status.admin_action_steps TO {role};
GRANT SELECT, INSERT (source, action, action_id, expires_at), UPDATE (action_id, expires_at), DELETE
   ON system_status.admin_action_leases TO {role};
GRANT SELECT ON system_status.api_tokens TO {role};
GRANT SELECT (source, queue_engine, queue_schema, queue_server, queue_database) ON system_status.sources TO {role};
