"""What an exporter knows of schedules that changed, it knows after a restart."""

from psycopg import AsyncConnection
from structlog.testing import capture_logs

from jobqueue import catalogue as metrics
from tests.exporter.scrape import Exporter, Watch, source

WEEK_OLD = (
    "INSERT INTO ascent.schedules (job_type, cron, enabled, last_enqueued_at)"
    " VALUES ('report', '@hourly', false, now() - interval '7 days')"
)
SWITCH_ON = "UPDATE ascent.schedules SET enabled = true"
KNOWN = "SELECT job_type, cron, timezone, enabled FROM system_status.schedule_changes WHERE source = 'main'"


async def missed(exporter: Exporter) -> float | None:
    return (await exporter.poll()).value(metrics.SCHEDULE_MISSED, job_type="report")


async def test_a_week_off_is_no_week_of_missed_ticks_after_a_restart(
    migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    await queue.execute(WEEK_OLD)
    first = watch(source(migrated))
    assert await missed(first) == 0
    await queue.execute(SWITCH_ON)
    assert await missed(first) == 0

    assert await missed(watch(source(migrated))) == 0
    assert await missed(watch(source(migrated, name="other"))) == 7 * 24


async def test_what_is_known_follows_the_schedules(migrated: str, queue: AsyncConnection, watch: Watch) -> None:
    await queue.execute(WEEK_OLD)
    exporter = watch(source(migrated))
    await exporter.poll()
    await queue.execute("UPDATE ascent.schedules SET cron = '@daily', timezone = 'Asia/Tokyo'")
    await exporter.poll()
    assert await (await queue.execute(KNOWN)).fetchall() == [("report", "@daily", "Asia/Tokyo", False)]

    await queue.execute("DELETE FROM ascent.schedules")
    await exporter.poll()
    assert await (await queue.execute(KNOWN)).fetchall() == []


async def test_a_tick_whose_job_is_gone_is_not_missed_after_a_restart_either(
    migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    await queue.execute(WEEK_OLD)
    await queue.execute(SWITCH_ON)
    first = watch(source(migrated))
    assert await missed(first) == 7 * 24
    await queue.execute("UPDATE ascent.schedules SET last_enqueued_at = now()")
    assert await missed(first) == 0
    for gone in ("NULL", "now() - interval '3 days'"):
        await queue.execute(f"UPDATE ascent.schedules SET last_enqueued_at = {gone}")  # as an engine forgets a job

        assert await missed(first) == 0
        assert await missed(watch(source(migrated))) == 0


async def test_nothing_is_written_while_no_schedule_changes_nor_has_a_tick(
    migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    async def version() -> object:
        return await (await queue.execute("SELECT xmin::text FROM system_status.schedule_changes")).fetchone()

    await queue.execute(WEEK_OLD)
    await queue.execute(SWITCH_ON)
    exporter = watch(source(migrated))
    await exporter.poll()
    before = await version()
    await exporter.poll(rounds=3)
    assert await version() == before

    await queue.execute("UPDATE ascent.schedules SET last_enqueued_at = now()")
    await exporter.poll()
    assert await version() != before


async def test_without_its_table_the_schedules_are_shown_and_the_log_says_once_what_is_lost(
    migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    await queue.execute(WEEK_OLD)
    await queue.execute("DROP TABLE system_status.schedule_changes")
    exporter = watch(source(migrated))

    with capture_logs() as logs:
        assert await missed(exporter) == 0
        assert await missed(exporter) == 0

    [line] = [line for line in logs if line["event"] == "schedules.unwritable"]
    assert "python -m jobqueue migrate" in line["mend"]
