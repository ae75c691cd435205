"""Every page on a phone and on a desk, in a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from preview.chromium import Tab, browser, open_tab
from tests.control_api.service import Service, serving
from tests.control_api.test_asking import queue

__all__ = ["queue"]
LONG = "crm.ContactSynchronisationFromExternalProvidersNightlyFullReconciliationJob_v2" + "x" * 200
USUAL = ["billing.sync_invoices", "email.send_due", "storage.sweep_orphans"]
PAGES = {
    "index": "/control/",
    "cancel-pending": "/control/main/cancel-pending",
    "fail-active": "/control/main/fail-active",
    "janitor": "/control/main/janitor",
    "run": f"/control/main/schedules/{LONG}/run",
    "entry of a run": "/control/audit/main-1",
    "entry of a clean-up": "/control/audit/main-2",
    "log": "/control/audit",
    "problem": f"/control/main/schedules/{LONG}y/run",
}
_WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
_LINES = """
(() => Object.fromEntries([...document.querySelectorAll('td')].flatMap(cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  const lines = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
  return [[cell.innerText, lines.size]];
})))()
"""


@pytest.fixture
async def served(migrated: str, queue: AsyncConnection) -> AsyncIterator[Service]:
    for name in (*USUAL, LONG):
        await queue.execute(
            "INSERT INTO ascent.schedules (job_type, description, cron) VALUES (%s, %s, '15 3 * * 1-5')",
            [name, "Fetches what changed since the last run from a provider of such things"],
        )
        await queue.execute(
            "INSERT INTO ascent.jobs (job_type, state, started_at, worker_id)"
            " VALUES (%(name)s, 'active', now(), 'worker.' || %(name)s), (%(name)s, 'pending', NULL, NULL)",
            {"name": name},
        )
        await queue.execute(
            "INSERT INTO ascent.workers (id, mode, current_job_type, current_started_at) VALUES (%s, 'all', %s, now())",
            [f"worker.{name}", name],
        )
    async with serving({"main": migrated}) as service:
        await service.post(PAGES["run"], data={"request_id": "r" * 200})
        await service.post("/control/main/janitor", data={"request_id": "2"})
        for number, name in enumerate(USUAL):
            await service.post("/control/main/run", data={"job_type": name, "request_id": f"n{number}"})
        yield service


async def resized(tab: Tab, width: int) -> None:
    await tab.send(
        "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
    )


async def test_no_page_scrolls_sideways(served: Service, tmp_path: Path) -> None:
    found = {}
    with browser(tmp_path / "profile") as address:
        async with open_tab(address) as tab:
            for width in (380, 720, 900, 1200):
                await resized(tab, width)
                for name, path in PAGES.items():
                    await tab.open("about:blank")
                    await tab.open(served.url + path)
                    await tab.reads("System Status control")
                    await tab.until("document.readyState === 'complete'")
                    found[name, width] = await tab.evaluate(_WIDTHS)

    assert {page: widths for page, widths in found.items() if widths[0] > widths[1]} == {}
    assert {widths[1] for (_, width), widths in found.items() if width == 380} == {380}


async def test_usual_names_stand_on_one_line_of_a_wide_screen(served: Service, tmp_path: Path) -> None:
    with browser(tmp_path / "profile") as address:
        async with open_tab(address) as tab:
            await resized(tab, 1280)
            for path, whole in (("/control/", "loopback:admin"), ("/control/main/fail-active", "online")):
                await tab.open("about:blank")
                await tab.open(served.url + path)
                await tab.reads(USUAL[0])
                lines = await tab.evaluate(_LINES)
                assert {name: lines[name] for name in USUAL} == dict.fromkeys(USUAL, 1)
                assert (lines[LONG] > 1, lines[whole]) == (True, 1)
