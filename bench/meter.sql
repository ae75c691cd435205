-- What a role's statements cost, from any database of the server.

-- name: extension
CREATE EXTENSION IF NOT EXISTS pg_stat_statements

-- name: spent
SELECT coalesce(sum(total_exec_time + total_plan_time), 0)
  FROM pg_stat_statements
  JOIN pg_roles ON pg_roles.oid = userid
 WHERE rolname = %(role)s AND strpos(query, %(containing)s) > 0

-- name: backends
SELECT pid FROM pg_stat_activity WHERE usename = %(role)s ORDER BY pid
