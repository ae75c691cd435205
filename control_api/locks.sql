-- Locks of a session: they end with the connection, so that whoever dies lets go. Two numbers: what, and which.

-- name: take
SELECT pg_try_advisory_lock(%(what)s, hashtext(%(which)s))

-- name: let_go
SELECT pg_advisory_unlock(%(what)s, hashtext(%(which)s))

-- name: is_free
-- For the rest of the transaction; nobody holds it.
SELECT pg_try_advisory_xact_lock(%(what)s, hashtext(%(which)s))
