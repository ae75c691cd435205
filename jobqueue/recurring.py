"""A source's recurring jobs, wherever they stand."""

from collections.abc import Sequence

from jobqueue.config import ConfiguredSchedule
from jobqueue.engine import Conn, QueueReader
from jobqueue.rows import ScheduleRow


async def recurring(reader: QueueReader, conn: Conn, configured: Sequence[ConfiguredSchedule]) -> Sequence[ScheduleRow]:
    """The recurring jobs of the database, and those *configured*, with what the database knows of their ticks.

    Where both have one for a job type, the database's is the one that runs.
    """
    found = await reader.schedules(conn)
    ticks = await reader.ticks(conn) if configured else {}
    rows = {
        schedule.job_type: ScheduleRow(
            schedule.job_type,
            schedule.description,
            schedule.cron,
            schedule.timezone,
            schedule.priority,
            schedule.expire_after,
            schedule.enabled,
            last_enqueued_at=ticks.get(schedule.job_type),
        )
        for schedule in configured
    }
    return list((rows | {row.job_type: row for row in found}).values())
