"""What the tables say is what the database says."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from tests.preview.demo import Demo
from tests.preview.page import Page
from tests.waiting import PATIENCE

Rows = list[dict[str, Any]]

SCHEDULES = """
SELECT job_type AS "Job", concat_ws(' ', cron, nullif(timezone, 'UTC')) AS "Cron",
       CASE priority WHEN 10 THEN 'High' WHEN 0 THEN 'Normal' ELSE 'Low' END AS "Priority",
       (SELECT count(*) FROM ascent.jobs
         WHERE jobs.job_type = schedules.job_type AND state = 'pending' AND run_after <= now())::text AS "Pending"
  FROM ascent.schedules ORDER BY job_type
"""
WORKERS = """
SELECT id AS "Worker", hostname AS "Hostname", pid::text AS "PID", mode AS "Mode", version AS "Version",
       CASE WHEN last_seen_at > now() - interval '60 seconds' THEN 'Online' ELSE 'Offline' END AS "Status",
       to_char(processed, 'FM999,999,999') AS "Processed", to_char(failed, 'FM999,999,999') AS "Failed",
       coalesce(current_job_type,
                CASE WHEN last_seen_at > now() - interval '60 seconds' THEN 'idle' ELSE '—' END) AS "Now Running"
  FROM ascent.workers ORDER BY id
"""
RUNS = """
SELECT job_type AS "Job", to_char(sum(runs), 'FM999,999,999') AS "Runs",
       to_char(sum(failures), 'FM999,999,999') AS "Failures",
       to_char(floor(1000 * (1 - sum(failures) / sum(runs)::numeric)) / 10, 'FM990.0') || '%%' AS "Success Rate"
  FROM system_status.run_minutes WHERE minute >= %s GROUP BY job_type HAVING sum(runs) > 0 ORDER BY job_type
"""
HISTORY = """
SELECT job_type AS "Job",
       CASE WHEN state = 'active' THEN 'Running'
            WHEN state = 'pending' AND run_after > now() THEN 'Scheduled'
            ELSE initcap(state::text) END AS "State",
       created_at AS "Created", finished_at AS "Completed", retries::text AS "Retries"
  FROM ascent.jobs ORDER BY created_at DESC LIMIT 50
"""


async def test_the_tables_say_what_the_database_says(demo: Demo, page: Page, platform: AsyncConnection) -> None:
    async def ask(query: str, *values: object) -> Rows:
        cursor = platform.cursor(row_factory=dict_row)
        return await (await cursor.execute(query.encode(), values)).fetchall()

    async def schedules() -> tuple[Rows, Rows]:
        return await page.table("Scheduled Jobs"), await ask(SCHEDULES)

    async def workers() -> tuple[Rows, Rows]:
        return sorted(await page.table("Worker Status"), key=lambda row: row["Worker"]), await ask(WORKERS)

    async def history() -> tuple[Rows, Rows]:
        expected = await ask(HISTORY)
        for row in expected:
            row["Created"], row["Completed"] = as_shown(row["Created"]), as_shown(row["Completed"])
        oldest = expected[-1]["Created"]  # of those that were created with it, any may be among the fifty
        shown = [row for row in await page.table("Recent Job History") if row["Created"] != oldest]
        return in_one_order(shown), in_one_order([row for row in expected if row["Created"] != oldest])

    async def performance() -> tuple[Rows, Rows]:
        panel = next(one for one in (await page.dump())["panels"] if one["title"].startswith("Performance"))
        shown = [row for row in await page.table(panel["title"]) if row["Runs"] != "0"]
        since = await window_start(page)
        return sorted(shown, key=lambda row: row["Job"]), await ask(RUNS, since)

    with demo.platform_stopped():
        await page.open("/d/system-status-jobs")
        await agree(page, schedules)
        await agree(page, history)
        await page.open("/d/system-status-workers")
        await agree(page, workers)
        await page.open("/d/system-status-metrics")
        await agree(page, performance)


async def agree(page: Page, look: Callable[[], Awaitable[tuple[Rows, Rows]]]) -> None:
    """Refresh the page until it says what is expected, in the columns that are expected."""
    deadline = monotonic() + PATIENCE
    while True:
        shown, expected = await look()
        assert expected
        seen = [{column: row[column] for column in expected[0]} for row in shown]
        if seen == expected:
            return
        if monotonic() > deadline:
            assert seen == expected
        await page.pause()
        await page.refresh()


async def window_start(page: Page) -> datetime:
    """From when the page's 24 hours count."""
    answer = await page.tab.evaluate(
        "fetch('/prometheus/api/v1/query?query=jobqueue_last24h_window_start_timestamp_seconds').then(a => a.json())"
    )
    return datetime.fromtimestamp(float(answer["data"]["result"][0]["value"][1]), UTC)


def as_shown(moment: datetime | None) -> str:
    """A time as Grafana shows it in UTC: without the date if that is today's."""
    if moment is None:
        return "—"
    moment = moment.astimezone(UTC)
    return f"{moment:%H:%M:%S}" if moment.date() == datetime.now(UTC).date() else f"{moment:%Y-%m-%d %H:%M:%S}"


def in_one_order(rows: Rows) -> Rows:
    """Jobs that were created in the same instant come in any order."""
    return sorted(rows, key=lambda row: (row["Created"], row["Job"], row["State"], row["Completed"], row["Retries"]))
