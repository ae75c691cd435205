-- Tokens of scripts: only their hashes are kept. A revoked one stays, so that its name in the log means one token.

-- name: find
SELECT {name} AS name, array(SELECT {action} FROM unnest(allow[:{most_allowed}]) AS action) AS allow,
       revoked_at IS NOT NULL AS revoked
  FROM system_status.api_tokens
 WHERE hash = %(hash)s

-- name: valid
SELECT hash FROM system_status.api_tokens WHERE revoked_at IS NULL AND octet_length(hash) = 32 LIMIT {most_valid_tokens}

-- name: add
INSERT INTO system_status.api_tokens (name, hash, allow)
VALUES (%(name)s, %(hash)s, %(allow)s)
ON CONFLICT (name) DO NOTHING
RETURNING name

-- name: all
-- The newest, in the order of their making.
SELECT {name} AS name, array(SELECT {action} FROM unnest(allow[:{most_allowed}]) AS action) AS allow, created_at, revoked_at
  FROM (SELECT * FROM system_status.api_tokens ORDER BY created_at DESC, name DESC LIMIT {most_tokens}) AS newest
 ORDER BY created_at, newest.name

-- name: number
SELECT count(*) FROM system_status.api_tokens

-- name: revoke
-- Twice is once: the first moment stays.
UPDATE system_status.api_tokens SET revoked_at = coalesce(revoked_at, now()) WHERE name = %(name)s RETURNING name
