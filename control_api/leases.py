"""Leases: which clean-up is at work on a source, across replicas; one ends when its process renews it no longer."""

from dataclasses import dataclass

from jobqueue import sql
from jobqueue.engine import Conn

_QUERIES = sql.load("control_api", "leases.sql", alive=sql.load("control_api", "leases.sql")["alive"])

SECONDS = 30.0
"""How long a lease lives without being renewed: a batch may take ten seconds, and pauses for one."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of one action; each method is part of the caller's transaction."""

    source: str
    action: str
    action_id: int

    async def is_taken(self, conn: Conn) -> bool:
        """Whether an action of the kind is at work, without waiting for it."""
        return await self._ask(conn, "is_taken")

    async def take(self, conn: Conn) -> bool:
        """Take the lease of this kind; False when another action has a living one. Waits for a batch under way."""
        return await self._ask(conn, "take")

    async def renew(self, conn: Conn) -> bool:
        """Renew it, and keep it until the transaction ends; False when another process has ended or taken it."""
        return await self._ask(conn, "renew")

    async def give_back(self, conn: Conn) -> None:
        """End it: when the transaction commits, the next action of the kind can begin."""
        await self._ask(conn, "give_back")

    async def take_back(self, conn: Conn) -> bool:
        """End it unless it is alive; answers whether it is gone, and its action with it."""
        await self._ask(conn, "take_back")
        return not await self._ask(conn, "is_held")

    async def _ask(self, conn: Conn, query: str) -> bool:
        values = {"source": self.source, "action": self.action, "action_id": self.action_id, "seconds": SECONDS}
        row = await (await conn.execute(_QUERIES[query], values)).fetchone()
        return row is not None and row[0] is True
