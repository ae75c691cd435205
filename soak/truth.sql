-- What ended, written down by triggers on the engines' own tables: in the transaction of the end itself, so that no
-- crash comes between. Each text makes one function and its triggers. A job that ends again has ended twice.

-- name: journal
-- Beside it, a clock that is wrong: workers that stamp by their own clock stamp by this one.
CREATE SCHEMA soak;
CREATE TABLE soak.ends (
  written  timestamptz NOT NULL DEFAULT clock_timestamp(),
  at       timestamptz NOT NULL,
  job      text        NOT NULL,
  job_type text        NOT NULL,
  state    text        NOT NULL
);
CREATE TABLE soak.clock (ahead interval NOT NULL);
INSERT INTO soak.clock VALUES ('0')

-- name: ascent
CREATE FUNCTION soak.ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO soak.ends (at, job, job_type, state) VALUES (NEW.finished_at, NEW.id, NEW.job_type, NEW.state);
  RETURN NULL;
END $body$;
CREATE TRIGGER soak_inserted AFTER INSERT ON ascent.jobs FOR EACH ROW
  WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION soak.ended();
CREATE TRIGGER soak_updated AFTER UPDATE ON ascent.jobs FOR EACH ROW
  WHEN (NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL) EXECUTE FUNCTION soak.ended()

-- name: river
CREATE FUNCTION soak.ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO soak.ends (at, job, job_type, state)
  VALUES (NEW.finalized_at, NEW.id, NEW.kind, CASE WHEN NEW.state = 'discarded' THEN 'failed' ELSE NEW.state::text END);
  RETURN NULL;
END $body$;
CREATE FUNCTION soak.stamp() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  NEW.finalized_at := NEW.finalized_at + (SELECT ahead FROM soak.clock);
  RETURN NEW;
END $body$;
CREATE TRIGGER soak_stamp BEFORE UPDATE ON river_job FOR EACH ROW
  WHEN (NEW.finalized_at IS NOT NULL AND OLD.finalized_at IS NULL) EXECUTE FUNCTION soak.stamp();
CREATE TRIGGER soak_inserted AFTER INSERT ON river_job FOR EACH ROW
  WHEN (NEW.finalized_at IS NOT NULL) EXECUTE FUNCTION soak.ended();
CREATE TRIGGER soak_updated AFTER UPDATE ON river_job FOR EACH ROW
  WHEN (NEW.finalized_at IS NOT NULL AND OLD.finalized_at IS NULL) EXECUTE FUNCTION soak.ended()

-- name: oban
CREATE FUNCTION soak.ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO soak.ends (at, job, job_type, state)
  VALUES (CASE NEW.state WHEN 'completed' THEN NEW.completed_at WHEN 'discarded' THEN NEW.discarded_at
                         ELSE NEW.cancelled_at END AT TIME ZONE 'UTC',
          NEW.id, NEW.worker, CASE WHEN NEW.state = 'discarded' THEN 'failed' ELSE NEW.state::text END);
  RETURN NULL;
END $body$;
CREATE FUNCTION soak.stamp() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
  ahead interval := (SELECT clock.ahead FROM soak.clock);
BEGIN
  IF NEW.state = 'completed' THEN NEW.completed_at := NEW.completed_at + ahead;
  ELSIF NEW.state = 'discarded' THEN NEW.discarded_at := NEW.discarded_at + ahead;
  ELSE NEW.cancelled_at := NEW.cancelled_at + ahead;
  END IF;
  RETURN NEW;
END $body$;
CREATE TRIGGER soak_stamp BEFORE UPDATE ON oban_jobs FOR EACH ROW
  WHEN (NEW.state IN ('completed', 'discarded', 'cancelled') AND OLD.state NOT IN ('completed', 'discarded', 'cancelled'))
  EXECUTE FUNCTION soak.stamp();
CREATE TRIGGER soak_inserted AFTER INSERT ON oban_jobs FOR EACH ROW
  WHEN (NEW.state IN ('completed', 'discarded', 'cancelled')) EXECUTE FUNCTION soak.ended();
CREATE TRIGGER soak_updated AFTER UPDATE ON oban_jobs FOR EACH ROW
  WHEN (NEW.state IN ('completed', 'discarded', 'cancelled') AND OLD.state NOT IN ('completed', 'discarded', 'cancelled'))
  EXECUTE FUNCTION soak.ended()

-- name: pgboss
-- A job that fails is deleted, and inserted as one that has failed.
CREATE FUNCTION soak.ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO soak.ends (at, job, job_type, state) VALUES (NEW.completed_on, NEW.id, NEW.name, NEW.state);
  RETURN NULL;
END $body$;
CREATE TRIGGER soak_inserted AFTER INSERT ON pgboss.job FOR EACH ROW
  WHEN (NEW.state IN ('completed', 'failed', 'cancelled') AND left(NEW.name, 10) <> '__pgboss__')
  EXECUTE FUNCTION soak.ended();
CREATE TRIGGER soak_updated AFTER UPDATE ON pgboss.job FOR EACH ROW
  WHEN (NEW.state IN ('completed', 'failed', 'cancelled') AND OLD.state NOT IN ('completed', 'failed', 'cancelled')
        AND left(NEW.name, 10) <> '__pgboss__')
  EXECUTE FUNCTION soak.ended()

-- name: procrastinate
CREATE FUNCTION soak.ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO soak.ends (at, job, job_type, state)
  SELECT NEW.at, NEW.job_id, task_name,
         CASE NEW.type WHEN 'succeeded' THEN 'completed' WHEN 'failed' THEN 'failed' ELSE 'cancelled' END
    FROM procrastinate_jobs WHERE id = NEW.job_id;
  RETURN NULL;
END $body$;
CREATE TRIGGER soak_inserted AFTER INSERT ON procrastinate_events FOR EACH ROW
  WHEN (NEW.type IN ('succeeded', 'failed', 'cancelled', 'aborted')) EXECUTE FUNCTION soak.ended()

-- name: pgqueuer
CREATE FUNCTION soak.ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO soak.ends (at, job, job_type, state)
  VALUES (NEW.created, NEW.job_id, NEW.entrypoint,
          CASE NEW.status WHEN 'successful' THEN 'completed' WHEN 'exception' THEN 'failed' WHEN 'failed' THEN 'failed'
                          ELSE 'cancelled' END);
  RETURN NULL;
END $body$;
CREATE TRIGGER soak_inserted AFTER INSERT ON pgqueuer_log FOR EACH ROW
  WHEN (NEW.status IN ('successful', 'exception', 'failed', 'canceled', 'deleted')) EXECUTE FUNCTION soak.ended()

-- name: graphile
-- A worker holds the lock of the job that it completes by deleting it; one that has no attempt left has failed.
CREATE FUNCTION soak.ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO soak.ends (at, job, job_type, state)
  SELECT clock_timestamp(), OLD.id, identifier,
         CASE WHEN TG_OP = 'UPDATE' THEN 'failed' WHEN OLD.locked_at IS NULL THEN 'cancelled' ELSE 'completed' END
    FROM graphile_worker._private_tasks WHERE id = OLD.task_id;
  RETURN NULL;
END $body$;
CREATE TRIGGER soak_deleted AFTER DELETE ON graphile_worker._private_jobs FOR EACH ROW
  WHEN (OLD.locked_at IS NOT NULL OR OLD.attempts < OLD.max_attempts) EXECUTE FUNCTION soak.ended();
CREATE TRIGGER soak_updated AFTER UPDATE ON graphile_worker._private_jobs FOR EACH ROW
  WHEN (OLD.locked_at IS NOT NULL AND NEW.locked_at IS NULL AND NEW.attempts >= NEW.max_attempts)
  EXECUTE FUNCTION soak.ended()

-- name: ended
SELECT job_type,
       count(*) FILTER (WHERE state <> 'cancelled') AS runs,
       count(*) FILTER (WHERE state = 'failed') AS failures,
       count(*) FILTER (WHERE state = 'cancelled') AS cancelled
  FROM soak.ends
 WHERE at >= %(since)s
 GROUP BY 1

-- name: runs_between
SELECT count(*) FROM soak.ends WHERE state <> 'cancelled' AND written >= %(since)s AND written < %(until)s

-- name: witnessed
SELECT job, state, count(*) AS times FROM soak.ends GROUP BY 1, 2

-- name: kept
-- The same figures as ours: what the exporters wrote down.
SELECT source, job_type, sum(runs)::bigint AS runs, sum(failures)::bigint AS failures, sum(cancelled)::bigint AS cancelled
  FROM system_status.run_minutes
 GROUP BY 1, 2

-- name: unlisted_procrastinate
-- Jobs whose worker ended under them: procrastinate's own list of tasks leaves them out.
SELECT task_name::text AS job_type, 'cancelled' AS state, count(*) AS jobs
  FROM procrastinate_jobs WHERE status = 'aborted'
 GROUP BY 1

-- name: held
SELECT job_type, state::text, count(*) FROM ascent.jobs GROUP BY 1, 2
