"""A source's recurring jobs, wherever they stand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from jobqueue.config import ConfiguredSchedule
from jobqueue.engine import Conn, Engine
from jobqueue.rows import Listed, ScheduleRow


async def recurring(engine: Engine, conn: Conn, configured: Sequence[ConfiguredSchedule]) -> Listed[ScheduleRow]:
    """The recurring jobs of the database, and those *configured*, with what the database knows of their ticks.

    Where both have one for a job type, the database's is the one that runs.
    """
    found = await engine.reader.schedules(conn)
    rows = await _configured(engine, conn, configured)
    of_database = {row.job_type: replace(row, dialect=engine.dialect) for row in found.rows}
    all_of_them = {**rows, **of_database}
    holds = await engine.reader.holds(conn, list(all_of_them)) if all_of_them else {}
    return Listed(
        [replace(row, hold=holds.get(job_type)) for job_type, row in all_of_them.items()],
        found.more,
    )


async def recurring_one(
    engine: Engine, conn: Conn, configured: Iterable[ConfiguredSchedule], job_type: str
) -> ScheduleRow | None:
    """One recurring job, however many there are; None for what is none."""
    found = await engine.reader.schedule(conn, job_type)
    if found is not None:
        return replace(found, dialect=engine.dialect)
    of_type = [schedule for schedule in configured if schedule.job_type == job_type]
    return (await _configured(engine, conn, of_type)).get(job_type)


async def _configured(
    engine: Engine, conn: Conn, configured: Sequence[ConfiguredSchedule]
) -> Mapping[str, ScheduleRow]:
    ticks: Mapping[str, datetime] = {}
    if configured:
        ticks = await engine.reader.ticks(conn, [schedule.job_type for schedule in configured])
    return {
        schedule.job_type: ScheduleRow(
            schedule.job_type,
            schedule.description,
            schedule.cron,
            schedule.timezone,
            schedule.priority,
            schedule.expire_after,
            schedule.enabled,
            last_enqueued_at=ticks.get(schedule.job_type),
            dialect=engine.dialect,
        )
        for schedule in configured
    }
