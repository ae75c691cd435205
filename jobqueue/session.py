"""The session that every connection of ours relies on: PostgreSQL's own operators, and a server that is new enough."""

from typing import Any, LiteralString

from psycopg import BaseConnection, OperationalError

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


def check_version(conn: BaseConnection[Any]) -> None:
    """Raise ``ServerTooOldError`` for a server that is older than ``OLDEST``; costs no round trip."""
    major, minor = divmod(conn.info.server_version, 10_000)
    if major < OLDEST:
        raise ServerTooOldError(f"PostgreSQL {major}.{minor} is too old: System Status needs {OLDEST} or newer")
