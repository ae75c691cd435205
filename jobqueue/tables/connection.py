"""A transaction for those who make or change our tables; what goes wrong in it is one line that says what to do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg
from psycopg.errors import (
    DuplicateSchema,
    InsufficientPrivilege,
    LockNotAvailable,
    ReadOnlySqlTransaction,
    UniqueViolation,
)

from jobqueue.bounds import line
from jobqueue.config import Source
from jobqueue.session import pinned, prepare, writing
from jobqueue.sql import load

_PROGRAM = "system-status migrate"
_ADVICE: Mapping[type[psycopg.Error], str] = {
    InsufficientPrivilege: "run it as the owner of the database, or as the role that ran it first: only an owner may "
    "change our tables",
    ReadOnlySqlTransaction: "a standby takes no tables: give its primary as STORE_DATABASE_URL (store_dsn in the file)",
}


class MigrationError(Exception):
    """One line that says what keeps the tables from being made, and what to do."""


def names(sources: Iterable[Source]) -> str:
    """The sources that a line is about."""
    return ", ".join(dict.fromkeys(source.name for source in sources))


@contextmanager
def connected(dsn: str, sources: Sequence[Source]) -> Iterator[psycopg.Connection]:
    """A transaction whose errors say which sources they are about. Raises ``MigrationError``."""
    try:
        with psycopg.connect(dsn, connect_timeout=5, application_name=_PROGRAM, prepare_threshold=None) as conn:
            prepare(conn)
            conn.execute(writing(conn))
            conn.execute(load("jobqueue.tables")["limits"])
            yield conn
    except LockNotAvailable:
        raise MigrationError(f"{names(sources)}: {_held_by(dsn)}") from None
    except psycopg.Error as error:
        advice = next((f"; {advice}" for kind, advice in _ADVICE.items() if isinstance(error, kind)), "")
        state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
        raise MigrationError(f"{names(sources)}: {line(error)}{state}{advice}") from None


def take_turn(conn: psycopg.Connection) -> None:
    """Make the schema where it isn't there, and wait until no one else makes or changes our tables."""
    queries = load("jobqueue.tables")
    try:
        with conn.transaction():
            conn.execute(queries["schema"])
    except (UniqueViolation, DuplicateSchema):  # another place made it at the same moment, and has committed
        conn.execute(queries["schema"])
    conn.execute(queries["lock"])


def _held_by(dsn: str) -> str:
    """Name the sessions that keep our tables or our view locked, and the statement that ends them."""
    with psycopg.connect(dsn, connect_timeout=5, application_name=_PROGRAM, prepare_threshold=None) as conn:
        conn.execute(pinned(conn))
        holders = conn.execute(load("jobqueue.tables")["holders"]).fetchall()
    if not holders:
        return "a lock was not to be had in time; try again"
    sessions = ", ".join(f"{pid} of role {role} ({state})" for pid, role, state in holders)
    return (
        f"locked by session {sessions}; try again when it has ended, or end it: "
        f"SELECT {', '.join(f'pg_terminate_backend({pid})' for pid, _, _ in holders)}"
    )
