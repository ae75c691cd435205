-- Which queue a source's name stands for.

-- name: may_read_server
SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')

-- name: server
SELECT system_identifier::text FROM pg_control_system()

-- name: database
SELECT oid::bigint, datname::text FROM pg_database WHERE datname = current_database()

-- name: known
SELECT queue_engine, queue_schema, queue_server, queue_database
  FROM system_status.sources
 WHERE source = %(source)s AND queue_engine IS NOT NULL

-- name: takes_changes
SELECT current_setting('transaction_read_only') = 'off'

-- name: register
-- Of two that come at once the second waits, and then finds the name taken.
INSERT INTO system_status.sources AS known (source, queue_engine, queue_schema, queue_server, queue_database)
VALUES (%(source)s, %(engine)s, %(schema)s, %(server)s, %(database)s)
ON CONFLICT (source) DO UPDATE
   SET queue_engine = excluded.queue_engine, queue_schema = excluded.queue_schema,
       queue_server = excluded.queue_server, queue_database = excluded.queue_database
 WHERE known.queue_engine IS NULL

-- name: move
UPDATE system_status.sources
   SET queue_engine = %(engine)s, queue_schema = %(schema)s, queue_server = %(server)s, queue_database = %(database)s
 WHERE source = %(source)s

-- name: here
-- The sources whose queue is in this database.
SELECT source, queue_engine, queue_schema
  FROM system_status.sources
 WHERE queue_engine IS NOT NULL AND queue_server IS NULL
 ORDER BY source

-- name: forget
-- The row stays, with one more write: an exporter that still counts under the name finds out, and counts no further.
UPDATE system_status.sources
   SET polled_at = NULL, counted_from = NULL, ends_from = NULL, writes = writes + 1,
       queue_engine = NULL, queue_schema = NULL, queue_server = NULL, queue_database = NULL
 WHERE source = %(source)s
RETURNING source

-- name: forget_minutes
DELETE FROM system_status.run_minutes WHERE source = %(source)s

-- name: forget_ends
DELETE FROM system_status.run_ends WHERE source = %(source)s

-- name: forget_schedules
DELETE FROM system_status.schedule_changes WHERE source = %(source)s
