"""What every connection of ours relies on: PostgreSQL's own operators, a server that is new enough, readable texts."""

from typing import Any, LiteralString

from psycopg import BaseConnection, OperationalError
from psycopg.abc import Buffer
from psycopg.types.string import TextLoader

OLDEST = 15
"""The oldest major version of PostgreSQL that the tests run on, and so the oldest that is promised."""

PINNED: LiteralString = (
    "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL row_security = on; "
    "SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'"
)
"""The first statements of each transaction, so that they hold behind a pooler in transaction mode, too.

Whoever may create objects in a schema of the path could offer an operator or a function that fits our arguments better
than PostgreSQL's own, and it would run with our rights. Temporary objects come last for the same reason. Times and
intervals are read in the form that psycopg knows, whatever form a database prefers.
"""


class ServerTooOldError(OperationalError):
    """The server's version isn't supported: some figures would be wrong without a word."""


_TEXTS = ("text", "varchar", "bpchar", "name")


class _AnyText(TextLoader):
    r"""Bytes that aren't UTF-8 are shown as ``\xe9``: two texts stay two, and no row makes a read fail."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode("utf-8", "backslashreplace")


def prepare(conn: BaseConnection[Any]) -> None:
    """Prepare a new connection to read any text; raises ``ServerTooOldError``. Costs no round trip."""
    _check_version(conn)
    if conn.info.parameter_status("client_encoding") == "SQL_ASCII":
        for text in _TEXTS:
            conn.adapters.register_loader(text, _AnyText)


def _check_version(conn: BaseConnection[Any]) -> None:
    major, minor = divmod(conn.info.server_version, 10_000)
    if major < OLDEST:
        raise ServerTooOldError(f"PostgreSQL {major}.{minor} is too old: System Status needs {OLDEST} or newer")
