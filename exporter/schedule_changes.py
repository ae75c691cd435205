"""What outlives a process about schedules: ``system_status.schedule_changes``."""

from collections.abc import Mapping

import structlog
from psycopg import Error

from exporter.database import Database
from jobqueue import sql
from jobqueue.bounds import line, literals
from jobqueue.schedules import Standing

log = structlog.get_logger()


class ScheduleChanges:
    """The standings of one source's schedules, written when one changes or has had a tick.

    Where our tables can't be had they live as long as the process, and the log says so once.
    """

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source
        self._queries = sql.load("exporter", "schedule_changes.sql", **literals())
        self._stored: Mapping[str, Standing] | None = None
        self._failing = False

    async def recall(self) -> Mapping[str, Standing]:
        """Read what an earlier process wrote, once; nothing afterwards, and nothing while that fails."""
        if self._stored is not None:
            return {}
        try:
            async with self._database.transaction() as conn:
                cursor = await conn.execute(self._queries["read"], {"source": self._source})
                self._stored = {job_type: Standing(*rest) for job_type, *rest in await cursor.fetchall()}
        except Error as error:
            self._failed(error)
            return {}
        return self._stored

    async def keep(self, standings: Mapping[str, Standing]) -> None:
        """Write them if they differ from what was written."""
        if self._stored is None or standings == self._stored:
            return
        values = {
            "source": self._source,
            "job_types": list(standings),
            "crons": [standing.cron for standing in standings.values()],
            "timezones": [standing.timezone for standing in standings.values()],
            "enabled": [standing.enabled for standing in standings.values()],
            "since": [standing.since for standing in standings.values()],
            "served_until": [standing.served_until for standing in standings.values()],
        }
        try:
            async with self._database.transaction() as conn:
                await conn.execute(self._queries["write"], values)
                await conn.execute(self._queries["forget"], values)
        except Error as error:
            self._failed(error)
            return
        self._stored = standings
        self._failing = False

    def _failed(self, error: Error) -> None:
        if not self._failing:
            log.warning(
                "schedules.unwritable",
                source=self._source,
                error=line(error),
                lost="after a restart, a schedule's time off and ticks whose jobs are gone may count as missed",
                mend="python -m jobqueue migrate, python -m jobqueue grants, python -m exporter --check",
            )
        self._failing = True
