"""The rows that tests put into an Ascent queue, and what is true about them."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection, sql

from tests.counting.world import Job

Held = Counter[tuple[str, str]]
"""Rows by job type and state."""


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def job(
    job_type: str = "email.send",
    state: str = "completed",
    duration: float = 1.0,
    *,
    wait: float = 0.5,
    retries: int = 0,
    finished: float = 1.0,
) -> Job:
    """A job that finished so many seconds ago."""
    return Job(job_type, state, duration, wait, retries, ago(finished))


async def put(conn: AsyncConnection, table: str, **columns: object) -> None:
    """Insert one row; a time may be a text such as ``infinity``."""
    command = sql.SQL("INSERT INTO ascent.{} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )
    await conn.execute(command, list(columns.values()))


async def finish(conn: AsyncConnection, jobs: Iterable[Job]) -> None:
    """Insert finished jobs in one transaction."""
    columns = "job_type, state, retries, run_after, created_at, started_at, finished_at"
    async with conn.transaction(), conn.cursor() as cursor:
        await cursor.executemany(
            f"INSERT INTO ascent.jobs ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                (job.job_type, job.state, job.retries, job.due_at, job.due_at, job.started_at, job.finished_at)
                for job in jobs
            ],
        )


async def held(conn: AsyncConnection) -> Held:
    """What the table itself says, counted the slow way."""
    cursor = await conn.execute("SELECT job_type, state::text, count(*) FROM ascent.jobs GROUP BY 1, 2")
    return Held({(job_type, state): jobs for job_type, state, jobs in await cursor.fetchall()})


async def populate(conn: AsyncConnection) -> None:
    """A queue that has something to show in every family."""
    for state, ahead in (("pending", -30), ("pending", 3600), ("retry", 60)):
        await put(conn, "jobs", job_type="email.send", state=state, run_after=ago(-ahead))
    await put(conn, "jobs", job_type="email.send", state="active", started_at=ago(20), worker_id="w1")
    await finish(
        conn,
        [
            job("email.send", "completed", 0.3, finished=300),
            job("email.send", "failed", 2.0, retries=3, finished=200),
            job("email.send", "cancelled", finished=100),
            job("reports.daily", "completed", 40.0, finished=3000),
        ],
    )
    await put(
        conn,
        "schedules",
        job_type="reports.daily",
        description="Writes the reports",
        cron="0 6 * * *",
        timezone="Europe/Berlin",
        priority=10,
        expire_after="5 minutes",
        last_enqueued_at=ago(60),
    )
    await put(conn, "schedules", job_type="never.valid", cron="every so often")
    await put(
        conn,
        "workers",
        id="w1",
        hostname="host-1",
        pid=4711,
        mode="all",
        version="7.1.0",
        processed=20,
        failed=1,
        current_job_id=4,
        current_job_type="email.send",
        current_started_at=ago(20),
    )
    await put(conn, "workers", id="w2", mode="worker", last_seen_at=ago(400), started_at=ago(4000))
