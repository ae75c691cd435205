"""Links, tabs and variables: the address says what is shown, as Grafana's does."""

from urllib.parse import parse_qs, urlsplit

from tests.preview.page import Page


async def test_a_job_leads_to_its_own_dashboard_and_back(page: Page) -> None:
    await page.open("/d/system-status-jobs")
    await page.tab.click("[role=gridcell] a", "email.send_due")
    await page.drawn("system-status-job")
    address = urlsplit(await page.path_and_query())
    values = {one["name"]: one["value"] for one in (await page.dump())["variables"]}

    assert address.path == "/d/system-status-job"
    assert parse_qs(address.query)["var-job_type"] == ["email.send_due"]
    assert (values["source"], values["job_type"]) == (["main"], "email.send_due")
    await page.tab.evaluate("history.back()")
    await page.drawn("system-status-jobs")


async def test_tabs_lead_to_the_dashboards_and_keep_the_source(page: Page) -> None:
    await page.open("/d/system-status-jobs?var-source=main&from=now-15m&to=now")
    await page.tab.click("[role=tab]", "Workers")
    await page.drawn("system-status-workers")
    dump = await page.dump()

    assert await page.path_and_query() == "/d/system-status-workers?var-source=main"
    assert round((dump["range"]["to"] - dump["range"]["from"]) / 3_600_000) == 6


async def test_the_first_address_and_the_one_people_know_lead_to_the_jobs(page: Page) -> None:
    for path in ("/", "/platform/system-status"):
        await page.tab.open(page.url + path)
        await page.drawn("system-status-jobs")


async def test_a_refresh_keeps_what_is_shown_until_the_new_is_there(page: Page) -> None:
    await page.open("/d/system-status-jobs")
    await page.tab.evaluate(
        "window.fewest = Infinity; window.watcher = setInterval(() => fewest = Math.min(fewest,"
        " document.querySelectorAll('[data-panel-title=\"Scheduled Jobs\"] [role=row]').length), 5)"
    )
    await page.refresh()

    assert await page.tab.evaluate("window.fewest") > 10
