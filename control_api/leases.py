"""Who runs what, across replicas: leases in a table of ours, which no role but the control API's can write."""

from dataclasses import dataclass
from datetime import timedelta

from psycopg.errors import LockNotAvailable

from control_api.actions import Action
from jobqueue import sql
from jobqueue.engine import Conn

_QUERIES = sql.load("control_api", "leases.sql")

LENGTH = timedelta(seconds=30)
"""Longer than a batch takes at most, with what it waits for and the pause behind it."""
_LONGEST = timedelta(minutes=5)
"""Of any version's: how long a clock that was set back can keep everybody waiting."""


class LeaseLost(Exception):  # noqa: N818 -- says what happened, as a Problem does
    """Somebody took the lease after it had run out; ``str`` says so in a sentence."""

    def __init__(self) -> None:
        super().__init__("the process stood still for so long that its work was taken for interrupted")


@dataclass(frozen=True, slots=True)
class Lease:
    """What lets one action be at work, alone of its kind on its source; everything is asked within a transaction."""

    source: str
    action: Action | str
    action_id: int
    length: timedelta = LENGTH
    """How long it lives after it was taken or renewed."""

    async def take(self, conn: Conn) -> bool:
        """Take it; False when somebody else is at work. The transaction may then be of no more use."""
        if await self._ask(conn, "is_live"):
            return False  # without waiting for the batch under way
        try:
            return await self._ask(conn, "take")
        except LockNotAvailable:
            return False

    async def renew(self, conn: Conn) -> None:
        """Let it live on; nobody can take it until the transaction ends. Raises ``LeaseLost``."""
        if not await self._ask(conn, "renew"):
            raise LeaseLost

    async def give_up(self, conn: Conn) -> None:
        """Make way for the next one of the kind, as soon as the transaction is committed."""
        await conn.execute(_QUERIES["give_up"], self._values())

    async def clear(self, conn: Conn) -> bool:
        """Take it away if it has run out; False when it lives. Nobody can renew it until the transaction ends.

        Raises ``LockNotAvailable`` while a batch is under way.
        """
        await conn.execute(_QUERIES["clear"], self._values())
        return not await self._ask(conn, "is_held")

    async def _ask(self, conn: Conn, query: str) -> bool:
        row = await (await conn.execute(_QUERIES[query], self._values())).fetchone()
        return row is not None and bool(row[0])

    def _values(self) -> dict[str, object]:
        return {
            "source": self.source,
            "action": self.action,
            "action_id": self.action_id,
            "length": self.length,
            "longest": _LONGEST,
        }
