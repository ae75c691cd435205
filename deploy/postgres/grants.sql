-- Written by python -m deploy, as python -m jobqueue grants prints it; a test compares.
-- Source main: in database ascent on postgres
-- Without a password yet: give it one, or let pg_hba.conf decide.
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'system_status_exporter') THEN CREATE ROLE "system_status_exporter" LOGIN; END IF;
END $do$;
-- Without a password yet: give it one, or let pg_hba.conf decide.
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'system_status_control') THEN CREATE ROLE "system_status_control" LOGIN; END IF;
END $do$;
-- Without a password yet: give it one, or let pg_hba.conf decide.
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'system_status_grafana') THEN CREATE ROLE "system_status_grafana" LOGIN; END IF;
END $do$;
-- Locking a row that is passed over or deleted takes the right to update some column of it.
GRANT USAGE ON SCHEMA "ascent" TO "system_status_control";
GRANT SELECT (id, job_type, state, priority, run_after, created_at, started_at, finished_at) ON "ascent".jobs TO "system_status_control";
GRANT INSERT (job_type, priority, payload, origin, expires_at) ON "ascent".jobs TO "system_status_control";
GRANT UPDATE (state, finished_at, last_error) ON "ascent".jobs TO "system_status_control";
GRANT DELETE ON "ascent".jobs TO "system_status_control";
GRANT SELECT ON "ascent".schedules TO "system_status_control";
GRANT SELECT, DELETE, UPDATE (last_seen_at) ON "ascent".workers TO "system_status_control";
GRANT SELECT, DELETE, UPDATE (expires_at) ON "ascent".idempotency_tokens TO "system_status_control";
GRANT USAGE ON SCHEMA "system_status" TO "system_status_control";
-- The log can be added to and read, and nothing else.
GRANT SELECT, INSERT ON system_status.admin_actions, system_status.admin_action_steps TO "system_status_control";
GRANT SELECT ON system_status.api_tokens TO "system_status_control";
GRANT USAGE ON SCHEMA "ascent" TO "system_status_exporter";
GRANT SELECT ("id", "job_type", "state", "priority", "retries", "run_after", "created_at", "started_at", "finished_at", "worker_id") ON "ascent"."jobs" TO "system_status_exporter";
GRANT SELECT ("job_type", "description", "cron", "timezone", "priority", "expire_after", "enabled", "last_enqueued_at") ON "ascent"."schedules" TO "system_status_exporter";
GRANT SELECT ("id", "hostname", "pid", "mode", "version", "started_at", "last_seen_at", "processed", "failed", "current_job_type", "current_started_at") ON "ascent"."workers" TO "system_status_exporter";
GRANT USAGE ON SCHEMA "system_status" TO "system_status_exporter";
GRANT SELECT, INSERT, UPDATE, DELETE
   ON system_status.sources, system_status.run_minutes, system_status.run_slots, system_status.schedule_changes TO "system_status_exporter";
GRANT SELECT ON system_status.migrations TO "system_status_exporter";
GRANT USAGE ON SCHEMA "system_status" TO "system_status_grafana";
GRANT SELECT ON system_status.recent_jobs TO "system_status_grafana";
