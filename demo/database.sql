-- name: schema
SELECT count(*) > 0 AS exists,
       coalesce(bool_or(obj_description(oid, 'pg_namespace') = 'Made by the demo of System Status'), false) AS ours
  FROM pg_namespace
 WHERE nspname = 'ascent'

-- name: mark
COMMENT ON SCHEMA ascent IS 'Made by the demo of System Status'

-- name: count
SELECT count(*) AS jobs FROM ascent.jobs
