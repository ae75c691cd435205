"""The pages clicked through in a real browser, which sends the headers that only browsers send."""

from pathlib import Path

from aiohttp import web
from psycopg import AsyncConnection
from pydantic import SecretStr

from control_api.app import create_app
from control_api.settings import ControlSettings
from jobqueue.config import Source
from preview.chromium import browser, open_tab
from tests.control_api.nginx import free_port
from tests.control_api.service import BY_HAND
from tests.control_api.test_desk import count


async def test_run_now_from_the_first_page_to_the_log_and_a_cancel_that_does_nothing(
    migrated: str, tmp_path: Path
) -> None:
    port = free_port()
    settings = ControlSettings(port=port, auth=("loopback",), janitor=BY_HAND)
    source = Source(name="main", dsn=SecretStr(migrated))
    runner = web.AppRunner(create_app([source], settings), access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        with browser(tmp_path / "profile") as address:
            async with await AsyncConnection.connect(migrated, autocommit=True) as conn, open_tab(address) as tab:
                await conn.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES ('mail.send', '*/5 * * * *')")
                await conn.execute(
                    "INSERT INTO ascent.jobs (job_type, state, started_at) VALUES ('x', 'active', now())"
                )
                await tab.open(f"http://127.0.0.1:{port}/control/")
                await tab.click("a", "Run now")
                await tab.reads("Run now: mail.send")
                await tab.click("button", "Run mail.send now")
                await tab.reads("Queued as job")
                assert await tab.address() == "/control/audit/main-1"
                assert await count(conn, "ascent.jobs WHERE job_type = 'mail.send' AND origin = 'manual'") == 1

                await tab.open(f"http://127.0.0.1:{port}/control/")
                await tab.click("a", "Fail Active Jobs")
                await tab.reads("Fail Active Jobs on main")
                await tab.click("a", "Cancel")
                await tab.reads("Recurring jobs")
                assert await count(conn, "ascent.jobs WHERE state = 'active'") == 1
    finally:
        await runner.cleanup()
