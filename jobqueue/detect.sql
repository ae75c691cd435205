-- name: tables
-- Tables that may be a queue's, with their columns; the catalogues answer any role. All of them: a database with a schema for
-- each customer has thousands with such names, and the queue may be the last.
SELECT nspname::text, relname::text, array_agg(attname::text)
  FROM pg_class
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
  JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
 WHERE relname = ANY (%(tables)s) AND relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname <> 'pg_catalog'
 GROUP BY 1, 2
 ORDER BY 1, 2
