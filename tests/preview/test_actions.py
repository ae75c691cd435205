"""The buttons in the tables, pressed as people press them."""

from datetime import UTC, datetime

from psycopg import AsyncConnection

from tests.preview.page import Page

JOB = "billing.sync_invoices"  # once an hour: what is new is ours


async def count(conn: AsyncConnection, what: str) -> int:
    row = await (await conn.execute(f"SELECT count(*) FROM {what}".encode())).fetchone()
    assert row is not None
    return int(row[0])


async def test_run_now_asks_then_queues_one_job_that_appears_in_the_history(
    page: Page, platform: AsyncConnection
) -> None:
    ours = f"ascent.jobs WHERE job_type = '{JOB}' AND origin = 'manual'"
    before, began = await count(platform, ours), datetime.now(UTC)
    await page.open("/d/system-status-jobs")

    question = await page.press("Scheduled Jobs", JOB, "Run now")
    await page.answer("Confirm")
    [request] = await page.sent()
    await page.tab.reads("Run now: done")
    await page.refresh()
    newest = await page.table("Recent Job History")

    assert JOB in question
    assert request["response"]["status"] == 200
    assert await count(platform, ours) == before + 1
    assert [row for row in newest if row["Job"] == JOB and row["Created"] >= f"{began:%H:%M:%S}"]


async def test_cancelling_the_question_does_nothing(page: Page, platform: AsyncConnection) -> None:
    asked = "system_status.admin_actions WHERE action = 'fail-active'"
    before = await count(platform, asked)
    await page.open("/d/system-status-jobs")

    question = await page.press("Job Management: destructive", "Fail Active Jobs", "Fail Active Jobs")
    await page.answer("Cancel")
    await page.pause()

    assert "Fail Active Jobs" in question
    assert await page.sent() == []
    assert await count(platform, asked) == before


async def test_a_refusal_is_shown(page: Page, platform: AsyncConnection) -> None:
    await page.open("/d/system-status-jobs")
    await page.press("Scheduled Jobs", JOB, "Run now")
    await page.tab.evaluate("preview.live.context.interpolate")
    await platform.execute("ALTER TABLE system_status.admin_actions RENAME TO admin_actions_away")
    try:
        await page.answer("Confirm")
        said = await page.tab.reads("Run now: refused")
    finally:
        await platform.execute("ALTER TABLE system_status.admin_actions_away RENAME TO admin_actions")

    assert "refused (5" in said
