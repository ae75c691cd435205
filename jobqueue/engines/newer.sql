-- Tables that come with a version of an engine.

-- name: unreadable
-- The first of these tables that has one of these columns which we may not read, behind the role that may not. Only the rights
-- are asked for, so that nothing fails where one is missing.
SELECT current_user::text AS role, quote_ident(nspname) || '.' || quote_ident(relname) AS place
  FROM unnest(%(tables)s::text[], %(columns)s::text[]) AS wanted (table_name, column_name)
  JOIN pg_namespace ON nspname = {schema_name}
  JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = table_name
  JOIN pg_attribute ON attrelid = pg_class.oid AND attname = column_name AND NOT attisdropped
 WHERE NOT has_column_privilege(pg_class.oid, attnum, 'SELECT')
 ORDER BY place
 LIMIT 1
