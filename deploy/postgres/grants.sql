-- Written by python -m deploy, as python -m jobqueue grants prints it; a test compares.
-- Source main: in database ascent on postgres
BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE;
SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL row_security = on; SET LOCAL exit_on_error = off; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL array_nulls = on; SET LOCAL standard_conforming_strings = on; SET LOCAL quote_all_identifiers = off; SET LOCAL transform_null_equals = off;
-- Without a password yet: give it one, or let pg_hba.conf decide.
DO $body$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'system_status_exporter') THEN CREATE ROLE "system_status_exporter" LOGIN; END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'role % is missing, and % may not make it', 'system_status_exporter', current_user USING
    ERRCODE = 'insufficient_privilege',
    HINT = 'A role with CREATEROLE runs the output of "grants --roles" first, then the owner that of "grants --rights".';
END $body$;
-- Without a password yet: give it one, or let pg_hba.conf decide.
DO $body$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'system_status_control') THEN CREATE ROLE "system_status_control" LOGIN; END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'role % is missing, and % may not make it', 'system_status_control', current_user USING
    ERRCODE = 'insufficient_privilege',
    HINT = 'A role with CREATEROLE runs the output of "grants --roles" first, then the owner that of "grants --rights".';
END $body$;
-- Without a password yet: give it one, or let pg_hba.conf decide.
DO $body$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'system_status_grafana') THEN CREATE ROLE "system_status_grafana" LOGIN; END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'role % is missing, and % may not make it', 'system_status_grafana', current_user USING
    ERRCODE = 'insufficient_privilege',
    HINT = 'A role with CREATEROLE runs the output of "grants --roles" first, then the owner that of "grants --rights".';
END $body$;
-- Whoever may send SQL as this role may change all of these settings but the number of connections: they hold mistakes off.
DO $body$ BEGIN
  ALTER ROLE "system_status_grafana" CONNECTION LIMIT 10;
  ALTER ROLE "system_status_grafana" RESET ALL;
  ALTER ROLE "system_status_grafana" SET default_transaction_read_only = on;
  ALTER ROLE "system_status_grafana" SET search_path = pg_catalog, pg_temp;
  ALTER ROLE "system_status_grafana" SET statement_timeout = '30s';
  ALTER ROLE "system_status_grafana" SET lock_timeout = '2s';
  ALTER ROLE "system_status_grafana" SET idle_in_transaction_session_timeout = '30s';
  IF current_setting('server_version_num')::integer >= 170000 THEN
    ALTER ROLE "system_status_grafana" SET transaction_timeout = '60s';
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'role % keeps the limits that it has: a role that administers it has to run this block', 'system_status_grafana';
END $body$;
-- Every role of a database may do the following, so other programs may need it. Taken from all at once, by the owner of the
-- database (the first) and a superuser (the others):
-- DO $body$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $body$;
-- REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea),
--   pg_catalog.pg_notify(text, text), pg_catalog.pg_sleep(double precision) FROM PUBLIC;
-- REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- Locking a row that is passed over or deleted takes the right to update some column of it.
GRANT USAGE ON SCHEMA "ascent" TO "system_status_control";
GRANT SELECT (id, job_type, state, priority, run_after, created_at, started_at, finished_at) ON "ascent".jobs TO "system_status_control";
GRANT INSERT (job_type, priority, payload, origin, expires_at) ON "ascent".jobs TO "system_status_control";
GRANT UPDATE (state, finished_at, last_error) ON "ascent".jobs TO "system_status_control";
GRANT DELETE ON "ascent".jobs TO "system_status_control";
-- An older version granted whole tables. Run now copies the payload of a schedule, and so reads it.
REVOKE SELECT ON "ascent".schedules, "ascent".workers, "ascent".idempotency_tokens FROM "system_status_control";
GRANT SELECT (job_type, description, cron, timezone, priority, expire_after, payload, enabled, last_enqueued_at)
   ON "ascent".schedules TO "system_status_control";
GRANT SELECT (id, hostname, pid, mode, version, started_at, last_seen_at, processed, failed, current_job_type,
              current_started_at),
      DELETE, UPDATE (last_seen_at) ON "ascent".workers TO "system_status_control";
GRANT SELECT (token, expires_at), DELETE, UPDATE (expires_at) ON "ascent".idempotency_tokens TO "system_status_control";
GRANT USAGE ON SCHEMA "ascent" TO "system_status_control";
GRANT SELECT ("id", "job_type", "state", "priority", "retries", "run_after", "created_at", "started_at", "finished_at", "worker_id") ON "ascent"."jobs" TO "system_status_control";
GRANT SELECT ("job_type", "description", "cron", "timezone", "priority", "expire_after", "enabled", "last_enqueued_at") ON "ascent"."schedules" TO "system_status_control";
GRANT SELECT ("id", "hostname", "pid", "mode", "version", "started_at", "last_seen_at", "processed", "failed", "current_job_type", "current_started_at") ON "ascent"."workers" TO "system_status_control";
GRANT USAGE ON SCHEMA "system_status" TO "system_status_control";
-- The log can be added to and read, and nothing else: when, and under which number, is for the database to say. What older
-- versions granted beyond that is taken back.
REVOKE INSERT ON system_status.admin_actions, system_status.admin_action_steps FROM "system_status_control";
GRANT SELECT, INSERT (source, action, actor, request_id, request, job_type, before) ON system_status.admin_actions TO "system_status_control";
GRANT SELECT, INSERT (action_id, seq, step, changed, note) ON system_status.admin_action_steps TO "system_status_control";
GRANT SELECT, INSERT (source, action, action_id, expires_at), UPDATE (action_id, expires_at), DELETE
   ON system_status.admin_action_leases TO "system_status_control";
GRANT SELECT ON system_status.api_tokens TO "system_status_control";
GRANT SELECT (source, queue_engine, queue_schema, queue_server, queue_database) ON system_status.sources TO "system_status_control";
GRANT USAGE ON SCHEMA "ascent" TO "system_status_exporter";
GRANT SELECT ("id", "job_type", "state", "priority", "retries", "run_after", "created_at", "started_at", "finished_at", "worker_id") ON "ascent"."jobs" TO "system_status_exporter";
GRANT SELECT ("job_type", "description", "cron", "timezone", "priority", "expire_after", "enabled", "last_enqueued_at") ON "ascent"."schedules" TO "system_status_exporter";
GRANT SELECT ("id", "hostname", "pid", "mode", "version", "started_at", "last_seen_at", "processed", "failed", "current_job_type", "current_started_at") ON "ascent"."workers" TO "system_status_exporter";
GRANT USAGE ON SCHEMA "system_status" TO "system_status_exporter";
GRANT SELECT, INSERT, UPDATE, DELETE
   ON system_status.sources, system_status.run_minutes, system_status.run_ends, system_status.schedule_changes TO "system_status_exporter";
GRANT SELECT ON system_status.migrations TO "system_status_exporter";
GRANT USAGE ON SCHEMA "system_status" TO "system_status_grafana";
GRANT SELECT ON system_status.recent_jobs TO "system_status_grafana";
COMMIT;
