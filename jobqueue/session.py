"""What every connection of ours relies on: PostgreSQL's own operators, a server that is new enough, readable texts."""

from typing import Any, LiteralString

from psycopg import BaseConnection, OperationalError
from psycopg.abc import Buffer
from psycopg.types.string import TextLoader

OLDEST = 15
"""The oldest major version of PostgreSQL that the tests run on, and so the oldest that is promised."""

PINNED: LiteralString = (
    "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL row_security = on; SET LOCAL exit_on_error = off; "
    "SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL TimeZone = 'UTC'; "
    "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL array_nulls = on; "
    "SET LOCAL standard_conforming_strings = on; SET LOCAL quote_all_identifiers = off; "
    "SET LOCAL transform_null_equals = off"
)
"""The first statements of each transaction, so that they hold behind a pooler in transaction mode, too.

Whoever may create objects in a schema of the path could offer an operator or a function that fits our arguments better
than PostgreSQL's own, and it would run with our rights. Temporary objects come last for the same reason. Times, numbers
and texts are written and read in the form that psycopg knows, whatever form a database or a role prefers. An error that
we answer to doesn't end the session. ``tests/security/judged.py`` has a word on every other setting.
"""

_WITH_TRANSACTION_TIMEOUT = 170_000
_READ_COMMITTED: LiteralString = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"


class ServerTooOldError(OperationalError):
    """The server's version isn't supported: some figures would be wrong without a word."""


_TEXTS = ("text", "varchar", "bpchar", "name")


class _AnyText(TextLoader):
    r"""Bytes that aren't UTF-8 are shown as ``\xe9``: two texts stay two, and no row makes a read fail."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode("utf-8", "backslashreplace")


def pinned(conn: BaseConnection[Any]) -> LiteralString:
    """``PINNED``, and what depends on the server; no snapshot is taken, so that a transaction's level can follow."""
    statements = PINNED
    if conn.info.server_version >= _WITH_TRANSACTION_TIMEOUT:
        statements += "; SET LOCAL transaction_timeout = 0"  # each program bounds its statements, and its pauses
    # A database in SQL_ASCII holds bytes that nobody can convert.
    return f"{statements}; SET LOCAL client_encoding = '{'SQL_ASCII' if _holds_any_bytes(conn) else 'UTF8'}'"


def writing(conn: BaseConnection[Any]) -> LiteralString:
    """Open a transaction that writes, whatever level and mode the sessions of a role or a database begin with.

    On a standby it stays read-only: it can read, and PostgreSQL refuses the first write with SQLSTATE 25006. A pooler
    may not know yet that its server became one: then this fails itself, as ``psycopg.errors.FeatureNotSupported``.
    """
    mode: LiteralString = "" if is_standby(conn) else ", READ WRITE"
    return f"{_READ_COMMITTED}{mode}; {pinned(conn)}"


def is_standby(conn: BaseConnection[Any]) -> bool:
    """Whether the server last said so; it says when that changes."""
    return conn.info.parameter_status("in_hot_standby") == "on"


def prepare(conn: BaseConnection[Any]) -> None:
    """Prepare a new connection to read any text; raises ``ServerTooOldError``. Costs no round trip."""
    _check_version(conn)
    if _holds_any_bytes(conn):
        for text in _TEXTS:
            conn.adapters.register_loader(text, _AnyText)


def _holds_any_bytes(conn: BaseConnection[Any]) -> bool:
    return conn.info.parameter_status("server_encoding") == "SQL_ASCII"


def _check_version(conn: BaseConnection[Any]) -> None:
    major, minor = divmod(conn.info.server_version, 10_000)
    if major < OLDEST:
        raise ServerTooOldError(f"PostgreSQL {major}.{minor} is too old: System Status needs {OLDEST} or newer")
