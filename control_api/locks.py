"""Who runs what, across replicas: advisory locks that end with their holder."""

from enum import IntEnum

from jobqueue import sql
from jobqueue.engine import Conn

_QUERIES = sql.load("control_api", "locks.sql")


class Lock(IntEnum):
    """What is locked; any numbers that nobody else uses."""

    ACTION = 0x5359_0001
    """By the id of an action: somebody is at work on it."""
    CLEAN_UP = 0x5359_0002
    """By the name of a source and an action: its one clean-up of the kind."""


def kind(source: str, action: str) -> str:
    """What ``CLEAN_UP`` goes by."""
    return f"{source}: {action}"


async def take(conn: Conn, what: Lock, which: str) -> bool:
    """Take a lock for as long as the connection lives; False when somebody has it."""
    return await _ask(conn, "take", what, which)


async def let_go(conn: Conn, what: Lock, which: str) -> None:
    """Let go of a lock that was taken over the same connection."""
    await _ask(conn, "let_go", what, which)


async def holds(conn: Conn, what: Lock, which: str) -> bool:
    """Whether the transaction's session is the one that took a lock."""
    return await _ask(conn, "holds", what, which)


async def is_free(conn: Conn, what: Lock, which: str) -> bool:
    """Whether nobody holds a lock; if so, nobody can take it until the transaction ends."""
    return await _ask(conn, "is_free", what, which)


async def _ask(conn: Conn, query: str, what: Lock, which: str) -> bool:
    row = await (await conn.execute(_QUERIES[query], {"what": int(what), "which": which})).fetchone()
    return bool(row and row[0])
