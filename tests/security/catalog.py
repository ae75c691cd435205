"""The rights of a role, by PostgreSQL's catalog."""

import psycopg

_READABLE = """
SELECT class.oid::regclass::text, attname
  FROM pg_class AS class
  JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
  JOIN pg_attribute ON attrelid = class.oid AND attnum > 0 AND NOT attisdropped
 WHERE nspname = ANY (%(schemas)s) AND relkind IN ('r', 'p', 'v', 'm', 'f')
   AND has_schema_privilege(%(role)s, namespace.oid, 'USAGE')
   AND has_column_privilege(%(role)s, class.oid, attnum, 'SELECT')
"""
_WRITABLE = """
SELECT DISTINCT class.oid::regclass::text
  FROM pg_class AS class
  JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
 WHERE nspname = ANY (%(schemas)s) AND relkind IN ('r', 'p', 'v', 'm', 'f')
   AND has_schema_privilege(%(role)s, namespace.oid, 'USAGE')
   AND (has_any_column_privilege(%(role)s, class.oid, 'INSERT, UPDATE, REFERENCES')
        OR has_table_privilege(%(role)s, class.oid, 'DELETE, TRUNCATE, TRIGGER'))
"""


def readable_columns(address: str, role: str, *schemas: str) -> set[tuple[str, str]]:
    """The tables (as ``schema.table``) and columns that *role* may read in *schemas*."""
    with psycopg.connect(address, options="-c search_path=pg_catalog") as conn:
        return set(conn.execute(_READABLE, {"role": role, "schemas": list(schemas)}).fetchall())


def writable_tables(address: str, role: str, *schemas: str) -> set[str]:
    """The tables in *schemas* of which *role* may change, add or delete some row."""
    with psycopg.connect(address, options="-c search_path=pg_catalog") as conn:
        rows = conn.execute(_WRITABLE, {"role": role, "schemas": list(schemas)}).fetchall()
    return {table for (table,) in rows}
