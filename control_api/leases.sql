-- Leases: at most one clean-up of a kind is at work on a source, whichever process ordered it. A lease is a row that ends by
-- itself and is renewed by each batch, in the batch's own transaction: nothing is kept in a session, so a pooler in transaction
-- mode may stand between, and no role but the control API's can take or see one. A lease that ends later than any lease can,
-- since the server's clock was set back, isn't alive.

-- name: alive
expires_at BETWEEN clock_timestamp() AND clock_timestamp() + %(seconds)s * interval '1 second'

-- name: is_taken
SELECT EXISTS (SELECT FROM system_status.admin_action_leases
                WHERE source = %(source)s AND action = %(action)s AND {alive})

-- name: take
INSERT INTO system_status.admin_action_leases AS lease (source, action, action_id, expires_at)
VALUES (%(source)s, %(action)s, %(action_id)s, clock_timestamp() + %(seconds)s * interval '1 second')
ON CONFLICT (source, action) DO UPDATE
   SET action_id = excluded.action_id, expires_at = excluded.expires_at
 WHERE NOT (lease.{alive})
RETURNING true

-- name: renew
-- Also a lease that has ended, as long as no other action has taken it.
UPDATE system_status.admin_action_leases
   SET expires_at = clock_timestamp() + %(seconds)s * interval '1 second'
 WHERE source = %(source)s AND action = %(action)s AND action_id = %(action_id)s
RETURNING true

-- name: give_back
DELETE FROM system_status.admin_action_leases
 WHERE source = %(source)s AND action = %(action)s AND action_id = %(action_id)s
RETURNING true

-- name: take_back
-- Waits for a batch that is under way, and then looks again.
DELETE FROM system_status.admin_action_leases
 WHERE source = %(source)s AND action = %(action)s AND action_id = %(action_id)s AND NOT ({alive})
RETURNING true

-- name: is_held
SELECT EXISTS (SELECT FROM system_status.admin_action_leases
                WHERE source = %(source)s AND action = %(action)s AND action_id = %(action_id)s)
