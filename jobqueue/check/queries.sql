-- What the check asks the catalogues of PostgreSQL, which answer any role.

-- name: columns
-- A row for each column that a reader needs: is it there, may the role read it, and are rows hidden from it?
SELECT wanted.table_name,
       wanted.column_name,
       class.oid IS NOT NULL AS table_exists,
       attribute.attnum IS NOT NULL AS column_exists,
       coalesce(has_schema_privilege(role.oid, namespace.oid, 'USAGE'), false)
         AND coalesce(has_column_privilege(role.oid, class.oid, attribute.attnum, 'SELECT'), false) AS readable,
       coalesce(class.relrowsecurity AND NOT role.rolsuper AND NOT role.rolbypassrls
                AND (class.relforcerowsecurity OR NOT pg_has_role(role.oid, class.relowner, 'USAGE')), false) AS filtered
  FROM unnest(%(tables)s::text[], %(columns)s::text[]) WITH ORDINALITY AS wanted (table_name, column_name, place)
  JOIN pg_roles AS role ON role.rolname = %(role)s
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
       pg_is_in_recovery() AS read_only

-- name: version
SELECT coalesce(max(version), 0) FROM system_status.migrations

-- name: may_read_version
-- Null where there is no such table.
SELECT bool_and(has_schema_privilege(pg_namespace.oid, 'USAGE') AND has_table_privilege(pg_class.oid, 'SELECT'))
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE nspname = 'system_status' AND relname = 'migrations'

-- name: writable
-- A role that may write the one table but not the other loses what it counts just the same.
SELECT bool_and(has_schema_privilege(%(role)s, namespace.oid, 'USAGE') AND has_table_privilege(%(role)s, class.oid, privilege))
  FROM pg_namespace AS namespace
  JOIN pg_class AS class ON class.relnamespace = namespace.oid
 CROSS JOIN unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
 WHERE namespace.nspname = 'system_status'
   AND (class.relname IN ('sources', 'run_minutes', 'run_ends', 'schedule_changes')
        OR class.relname = 'migrations' AND privilege = 'SELECT')

-- name: view
SELECT pg_get_viewdef(pg_class.oid) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE nspname = 'system_status' AND relname = 'recent_jobs'

-- name: role
-- What a role is, whether it owns a table of the queue or of ours, and the database if it may not connect to it; no row where
-- it doesn't exist.
SELECT role.rolsuper AS is_superuser,
       EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname IN (%(schema)s, 'system_status') AND pg_has_role(role.oid, relowner, 'USAGE')) AS is_owner,
       role.rolconnlimit AS connection_limit,
       CASE WHEN has_database_privilege(role.oid, current_database(), 'CONNECT') THEN NULL ELSE current_database()::text END
         AS closed_database
  FROM pg_roles AS role
 WHERE role.rolname = %(role)s

-- name: missing_rights
-- In a schema that we may not use, PostgreSQL refuses to look anything up: of what is in there nothing is said, and the right
-- to use the schema is among those that are asked for.
SELECT wanted.number
  FROM (SELECT kind, column_name, privilege, number,
               CASE WHEN kind = 'schema'
                      OR has_schema_privilege((SELECT oid FROM pg_namespace
                                                WHERE nspname = (parse_ident(place, false))[1]), 'USAGE')
                    THEN place
               END AS place
          FROM unnest(%(kinds)s::text[], %(places)s::text[], %(columns)s::text[], %(privileges)s::text[])
               WITH ORDINALITY AS every (kind, place, column_name, privilege, number)) AS wanted
  LEFT JOIN pg_attribute AS attribute
    ON wanted.kind = 'table' AND attribute.attrelid = to_regclass(wanted.place)
   AND attribute.attname = wanted.column_name AND NOT attribute.attisdropped
 WHERE NOT CASE wanted.kind
             WHEN 'schema' THEN has_schema_privilege(%(role)s, to_regnamespace(wanted.place), wanted.privilege)
             WHEN 'sequence' THEN has_sequence_privilege(%(role)s, to_regclass(wanted.place), wanted.privilege)
             WHEN 'type' THEN has_type_privilege(%(role)s, to_regtype(wanted.place), wanted.privilege)
             WHEN 'function' THEN has_function_privilege(%(role)s, to_regprocedure(wanted.place), wanted.privilege)
             ELSE CASE WHEN wanted.column_name IS NULL
                       THEN has_table_privilege(%(role)s, to_regclass(wanted.place), wanted.privilege)
                       ELSE has_column_privilege(%(role)s, to_regclass(wanted.place), attribute.attnum, wanted.privilege)
                   END
           END
 ORDER BY wanted.number

-- name: user
-- Whose rights count, and who logged in. A pooler may log in as another than we name, and a login may have a role set.
SELECT current_user::text, session_user::text

-- name: server
-- The server's own number of the session, which a pooler hides; its clock; whether it is a standby.
SELECT pg_backend_pid() AS session,
       clock_timestamp() AS clock,
       current_setting('server_version') AS version,
       pg_is_in_recovery() AS is_standby
