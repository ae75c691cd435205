-- name: lock
SELECT pg_advisory_xact_lock(%(lock)s)

-- name: schema
CREATE SCHEMA IF NOT EXISTS system_status;
CREATE TABLE IF NOT EXISTS system_status.migrations (
  version    integer     PRIMARY KEY,
  name       text        NOT NULL,
  checksum   text        NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: applied
SELECT version, checksum FROM system_status.migrations

-- name: record
INSERT INTO system_status.migrations (version, name, checksum) VALUES (%s, %s, %s)
