"""How a process of the platform shows that it lives: its row in ``workers``."""

import asyncio
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from demo.platform.connection import QUERIES, Conn

Mode = Literal["all", "server", "worker"]

_EVERY = 10.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What a process is, from its start to its end."""

    id: str
    hostname: str
    mode: Mode
    version: str

    @property
    def runs_jobs(self) -> bool:
        """Whether it is a worker."""
        return self.mode != "server"

    @property
    def serves(self) -> bool:
        """Whether it is a server; the scheduler runs there."""
        return self.mode != "worker"


@dataclass(frozen=True, slots=True)
class Job:
    """A job that this process has fetched."""

    id: int
    job_type: str
    started_at: datetime
    retries: int
    max_retries: int


class Presence:
    """The row in ``workers``, and what it says."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.processed = 0
        self.failed = 0
        self.current: Job | None = None

    async def beat(self, conn: Conn) -> None:
        """Write the row; the time of it is the database's."""
        me, job = self.identity, self.current
        row = {
            "id": me.id,
            "hostname": me.hostname,
            "pid": os.getpid(),
            "mode": me.mode,
            "version": me.version,
            "processed": self.processed,
            "failed": self.failed,
            "current_job_id": job and job.id,
            "current_job_type": job and job.job_type,
            "current_started_at": job and job.started_at,
        }
        await conn.execute(QUERIES["heartbeat"], row)

    async def keep_beating(self, conn: Conn) -> None:
        """Write the row every ten seconds, for ever."""
        while True:
            await self.beat(conn)
            await asyncio.sleep(_EVERY)

    async def leave(self, conn: Conn) -> None:
        """Say goodbye: give an unfinished job back and take the row away."""
        if self.current is not None:
            await conn.execute(QUERIES["release"], {"id": self.current.id, "worker": self.identity.id})
        await conn.execute(QUERIES["deregister"], {"id": self.identity.id})
