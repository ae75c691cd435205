-- Our own tables: how they come to be.

-- name: limits
-- A role that reads the view recent_jobs may keep it locked for as long as it likes. What we do takes as long as it takes.
SET LOCAL lock_timeout = '10s';
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0

-- name: schema
CREATE SCHEMA IF NOT EXISTS system_status;
CREATE TABLE IF NOT EXISTS system_status.migrations (
  version    integer     PRIMARY KEY,
  name       text        NOT NULL,
  checksum   text        NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: lock
-- Two places that migrate at once take turns by a lock that takes the right to change the table.
LOCK TABLE system_status.migrations IN SHARE ROW EXCLUSIVE MODE

-- name: holders
-- The sessions that hold a lock on a table or view of ours.
SELECT DISTINCT pid, coalesce(usename, '?') AS role, coalesce(state, '?') AS state
  FROM pg_locks
  JOIN pg_class ON pg_class.oid = relation
  LEFT JOIN pg_stat_activity USING (pid)
 WHERE locktype = 'relation' AND granted AND pid <> pg_backend_pid()
   AND relnamespace = to_regnamespace('system_status')
   AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
 ORDER BY pid
 LIMIT 5

-- name: applied
SELECT version, checksum FROM system_status.migrations

-- name: record
INSERT INTO system_status.migrations (version, name, checksum) VALUES (%s, %s, %s)

-- name: view_owner
-- By whose rights the view reads; no row while there is none.
SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = to_regclass('system_status.recent_jobs')
