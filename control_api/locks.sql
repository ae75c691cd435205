-- Locks of a session: they end with the connection, so that whoever dies lets go. Two numbers: what, and which.

-- name: take
SELECT pg_try_advisory_lock(%(what)s, hashtext(%(which)s))

-- name: let_go
SELECT pg_advisory_unlock(%(what)s, hashtext(%(which)s))

-- name: holds
-- A pooler may have given the transaction another session than the one that took the lock.
SELECT EXISTS (
  SELECT FROM pg_locks
   WHERE locktype = 'advisory' AND objsubid = 2
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND classid = %(what)s::integer::oid AND objid = hashtext(%(which)s)::oid
     AND pid = pg_backend_pid() AND granted)

-- name: is_free
-- For the rest of the transaction; nobody holds it.
SELECT pg_try_advisory_xact_lock(%(what)s, hashtext(%(which)s))
