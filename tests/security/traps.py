"""Operators and functions that a role with CREATE on a schema of the search path can plant.

PostgreSQL prefers an exact match of the argument types. So wherever it has none of its own, there is a trap: for every
pair of types an operator, and for every function that our SQL calls one for every type. No role may execute a trap, so
a statement that is bound to one fails when it begins, without any row.
"""

import re
from itertools import product

import psycopg

from tests.docs.pages import ROOT

_OPERATORS = ("=", "<>", "<", "<=", ">", ">=", "+", "-", "||", "->", "->>", "#>>", "@>", "~~")
_TYPES = (
    *("text", "varchar", "name", "int2", "int4", "int8", "float8", "numeric", "bool", "oid", "regclass", "uuid"),
    *("timestamptz", "timestamp", "interval", "jsonb", "json", "bytea", "text[]", "int8[]", "jsonb[]"),
)
_CALL = re.compile(r"(?<![\w.])([a-z_]+)\((?!\s*SELECT)")
_ENUMS = "SELECT oid::regtype::text FROM pg_type WHERE typtype = 'e'"
_EXACT_OPERATORS = """
SELECT oprname || ' ' || oprleft::regtype || ' ' || oprright::regtype
  FROM pg_operator
 WHERE oprnamespace = 'pg_catalog'::regnamespace
"""
_EXACT_FUNCTIONS = """
SELECT proname || ' ' || proargtypes[0]::regtype
  FROM pg_proc
 WHERE pronamespace = 'pg_catalog'::regnamespace AND pronargs = 1
"""
_FUNCTIONS = "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
_BOUND = """
SELECT DISTINCT pg_describe_object(classid, objid, objsubid)
  FROM pg_depend
 WHERE refclassid = 'pg_proc'::regclass AND classid <> 'pg_operator'::regclass
   AND refobjid IN (SELECT oid FROM pg_proc
                     WHERE pronamespace = 'public'::regnamespace AND prosrc = 'SELECT NULL::boolean')
"""


def plant(conn: psycopg.Connection) -> int:
    """Plant traps in the schema ``public``, where every role may do so from now on; answers how many."""
    enums = [name for (name,) in conn.execute(_ENUMS)]
    canonical = {name: one(conn, name) for name in (*_TYPES, *enums)}
    known = {text for (text,) in conn.execute(_EXACT_OPERATORS)}
    called = {name for (name,) in conn.execute(_FUNCTIONS)} & _called()
    unary = {text for (text,) in conn.execute(_EXACT_FUNCTIONS)}
    statements = ["GRANT CREATE ON SCHEMA public TO PUBLIC"]
    body = "RETURNS boolean LANGUAGE sql AS 'SELECT NULL::boolean'"
    for left, right in product(canonical, repeat=2):
        statements.append(f"CREATE FUNCTION public.trap({left}, {right}) {body}")
        statements += [
            f"CREATE OPERATOR public.{operator} (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = public.trap)"
            for operator in _OPERATORS
            if f"{operator} {canonical[left]} {canonical[right]}" not in known
        ]
    statements += [
        f"CREATE FUNCTION public.{name}({kind}) {body}"
        for name, kind in product(sorted(called), canonical)
        if f"{name} {canonical[kind]}" not in unary
    ]
    conn.execute(";\n".join(statements).encode())
    conn.execute("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
    return len(statements)


def one(conn: psycopg.Connection, name: str) -> str:
    row = conn.execute("SELECT %s::regtype::text", (name,)).fetchone()
    assert row
    return str(row[0])


def caught(conn: psycopg.Connection) -> list[str]:
    """The stored objects, such as views, that are bound to a trap."""
    return [name for (name,) in conn.execute(_BOUND)]


def _called() -> set[str]:
    texts = [
        file.read_text("utf-8")
        for folder in ("jobqueue", "exporter", "control_api")
        for file in (ROOT / folder).rglob("*.sql")
    ]
    return {name for text in texts for name in _CALL.findall(text)}
