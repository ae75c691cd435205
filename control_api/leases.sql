-- Who is at work. A lease is live until it runs out; one that runs out later than any can was written before the clock was
-- set back, and counts for nothing.

-- name: is_live
SELECT EXISTS (
  SELECT FROM system_status.admin_action_leases
   WHERE source = %(source)s AND action = %(action)s
     AND expires_at > clock_timestamp() AND expires_at <= clock_timestamp() + %(longest)s)

-- name: take
-- Of two that come at once the second waits for the first to commit, and then gets no row.
INSERT INTO system_status.admin_action_leases AS lease (source, action, action_id, expires_at)
VALUES (%(source)s, %(action)s, %(action_id)s, clock_timestamp() + %(length)s)
ON CONFLICT (source, action) DO UPDATE
   SET action_id = excluded.action_id, expires_at = excluded.expires_at
 WHERE NOT (lease.expires_at > clock_timestamp() AND lease.expires_at <= clock_timestamp() + %(longest)s)
RETURNING action_id

-- name: renew
-- The row is held until the transaction ends: nobody takes it while a batch is at work, however long that takes.
UPDATE system_status.admin_action_leases
   SET expires_at = clock_timestamp() + %(length)s
 WHERE source = %(source)s AND action = %(action)s AND action_id = %(action_id)s
RETURNING action_id

-- name: give_up
DELETE FROM system_status.admin_action_leases
 WHERE source = %(source)s AND action = %(action)s AND action_id = %(action_id)s

-- name: clear
DELETE FROM system_status.admin_action_leases
 WHERE source = %(source)s AND action = %(action)s AND action_id = %(action_id)s
   AND NOT (expires_at > clock_timestamp() AND expires_at <= clock_timestamp() + %(longest)s)

-- name: is_held
SELECT EXISTS (
  SELECT FROM system_status.admin_action_leases
   WHERE source = %(source)s AND action = %(action)s AND action_id = %(action_id)s)
