"""Turns the ticks of the schedules into jobs. Any number of schedulers may run side by side."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import structlog
from psycopg.rows import DictRow

from demo.platform.catalogue import JOB_TYPES, SCHEDULED
from demo.platform.chaos import PASSED_OVER, Chaos, reigns
from demo.platform.connection import QUERIES, Conn
from jobqueue.schedules import Cron, InvalidSchedule, parse

log = structlog.get_logger()

_LOOKS_EVERY = 1.0


async def register(conn: Conn) -> None:
    """Write the catalogue's schedules into the table; what is there already keeps its place and its switch."""
    for job_type in SCHEDULED:
        row = {
            "job_type": job_type.name,
            "description": job_type.description,
            "cron": job_type.cron,
            "timezone": job_type.timezone,
            "priority": job_type.priority,
            "expire_after": job_type.expire_after,
            "enabled": job_type.enabled,
        }
        await conn.execute(QUERIES["register_schedule"], row)


class Scheduler:
    """Looks once a second for schedules whose newest tick has no job yet.

    So of several ticks that were missed, while no scheduler was there, one is made up for. A schedule that never
    ran begins with the first tick after the scheduler came.
    """

    def __init__(self) -> None:
        self._came_at: datetime | None = None
        self._unreadable: dict[str, str] = {}

    async def run(self, conn: Conn) -> None:
        """Enqueue what is due, for ever."""
        while True:
            await self.enqueue_due(conn)
            await asyncio.sleep(_LOOKS_EVERY)

    async def enqueue_due(self, conn: Conn) -> Sequence[str]:
        """Enqueue a job for each schedule that is due; answers with their job types."""
        rows = await (await conn.execute(QUERIES["enabled_schedules"])).fetchall()
        return [row["job_type"] for row in rows if self._is_due(row) and await _enqueue_tick(conn, row)]

    def _is_due(self, row: DictRow) -> bool:
        self._came_at = self._came_at or row["now"]
        if row["job_type"] == PASSED_OVER and reigns(Chaos.MISSED_TICK):
            return False
        try:
            tick = _cron(row["cron"], row["timezone"]).last_at_or_before(row["now"])
        except InvalidSchedule as error:
            if self._unreadable.get(row["job_type"]) != str(error):
                self._unreadable[row["job_type"]] = str(error)
                log.warning("schedule.invalid", job_type=row["job_type"], error=str(error))
            return False
        return tick is not None and tick > (row["last_enqueued_at"] or self._came_at)


@lru_cache
def _cron(expression: str, timezone: str) -> Cron:
    return parse(expression, timezone)


async def _enqueue_tick(conn: Conn, row: DictRow) -> bool:
    job_type = JOB_TYPES.get(row["job_type"])
    tick = {
        "job_type": row["job_type"],
        "last_enqueued_at": row["last_enqueued_at"],
        "max_retries": job_type.max_retries if job_type else 0,
    }
    return (await conn.execute(QUERIES["enqueue_tick"], tick)).rowcount == 1
