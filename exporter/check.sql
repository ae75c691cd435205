-- What --check asks the catalogues of PostgreSQL.

-- name: columns
-- A row for each column that a reader needs: is it there, may we read it, and does row-level security filter it?
SELECT wanted.table_name,
       wanted.column_name,
       class.oid IS NOT NULL AS table_exists,
       attribute.attnum IS NOT NULL AS column_exists,
       coalesce(has_schema_privilege(namespace.oid, 'USAGE'), false)
         AND coalesce(has_column_privilege(class.oid, attribute.attnum, 'SELECT'), false) AS readable,
       coalesce(row_security_active(class.oid), false) AS filtered
  FROM unnest(%(tables)s::text[], %(columns)s::text[]) WITH ORDINALITY AS wanted (table_name, column_name, place)
  LEFT JOIN pg_namespace AS namespace ON namespace.nspname = %(schema)s
  LEFT JOIN pg_class AS class ON class.relnamespace = namespace.oid AND class.relname = wanted.table_name
  LEFT JOIN pg_attribute AS attribute
    ON attribute.attrelid = class.oid AND attribute.attname = wanted.column_name AND NOT attribute.attisdropped
 ORDER BY wanted.place

-- name: indexes
-- The columns that an index is ordered by; an expression has no name.
SELECT class.relname AS table_name,
       index_class.relname AS index_name,
       index.indisvalid AS valid,
       array(SELECT coalesce(attribute.attname::text, '')
               FROM unnest(index.indkey) WITH ORDINALITY AS part (attnum, place)
               LEFT JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum = part.attnum
              WHERE place <= index.indnkeyatts
              ORDER BY place) AS columns
  FROM pg_index AS index
  JOIN pg_class AS class ON class.oid = index.indrelid
  JOIN pg_class AS index_class ON index_class.oid = index.indexrelid
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE namespace.nspname = %(schema)s

-- name: open_schemas
-- The schemas in which every role may create objects.
SELECT nspname FROM pg_namespace
 WHERE nspname = ANY (%(schemas)s) AND has_schema_privilege('public', oid, 'CREATE')
 ORDER BY nspname

-- name: store
-- Asked of the catalogues, which answer also a role that may not use the schema.
SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname = 'system_status' AND relname = 'migrations') AS migrated,
       current_setting('transaction_read_only') = 'on' AS read_only

-- name: version
SELECT coalesce(max(version), 0) FROM system_status.migrations

-- name: writable
-- A role that may write the one table but not the other loses what it counts just the same.
SELECT bool_and(has_schema_privilege(namespace.oid, 'USAGE') AND has_table_privilege(class.oid, privilege))
  FROM pg_namespace AS namespace
  JOIN pg_class AS class ON class.relnamespace = namespace.oid
 CROSS JOIN unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
 WHERE namespace.nspname = 'system_status'
   AND (class.relname IN ('sources', 'run_minutes', 'run_ends', 'schedule_changes')
        OR class.relname = 'migrations' AND privilege = 'SELECT')

-- name: view
SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname = 'system_status' AND relname = 'recent_jobs')
