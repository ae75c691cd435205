"""Links, tabs and variables: the address says what is shown, as Grafana's does."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.preview.demo import Demo
from tests.preview.page import Json, Page
from tests.preview.test_dashboards import UIDS


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


def links_of(dump: Json) -> list[Json]:
    """Every link of a panel, and of a cell of a table."""
    rows = [row for panel in dump["panels"] for frame in panel["frames"] for row in frame["cells"]]
    in_cells = [link for row in rows for cell in row for link in cell.get("links", [])]
    return [*in_cells, *(link for panel in dump["panels"] for link in panel["links"])]


@pytest.mark.parametrize("uid", UIDS)
async def test_each_link_leads_to_a_page_that_is_there(uid: str, page: Page) -> None:
    """What asks for no tab of its own is taken by Grafana's router, as by the preview's."""
    await page.open(f"/d/{uid}?var-job_type=email.send_due")
    links = links_of(await page.dump())
    inside = [link["href"] for link in links if link.get("target") != "_blank"]
    outside = {urlsplit(link["href"]).path: link["href"] for link in links if link.get("target") == "_blank"}

    assert {urlsplit(href).path.removeprefix("/d/") for href in inside} <= set(UIDS)
    assert all(parse_qs(urlsplit(href).query)["var-prometheus"] for href in inside)
    for href in outside.values():
        await page.tab.open(page.url + href.removeprefix(page.url))
        await page.tab.reads("System Status control")
    assert page.tab.complaints == []


async def test_the_link_beside_a_title_leads_to_the_control_api(page: Page) -> None:
    await page.open("/d/system-status-jobs")
    link = "[data-panel-title='Scheduled Jobs'] a[title^='All actions']"
    address = await page.tab.evaluate(f"document.querySelector({link!r}).href")
    target = await page.tab.evaluate(f"document.querySelector({link!r}).target")

    await page.tab.open(address)
    await page.tab.reads("Background jobs: actions")

    assert target == "_blank"


async def test_a_link_that_asks_for_no_tab_of_its_own_is_kept_as_grafana_keeps_it(page: Page) -> None:
    await page.open("/d/system-status-jobs")
    await page.tab.evaluate("document.querySelector('[title^=\"All actions\"]').removeAttribute('target')")
    await page.tab.evaluate("document.querySelector('[title^=\"All actions\"]').click()")

    await page.tab.reads("Page not found")


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


async def test_the_address_people_know_leads_to_the_dashboards_from_the_control_api_too(demo: Demo, page: Page) -> None:
    await page.tab.open(f"http://127.0.0.1:{demo.control_port}/platform/system-status")
    await page.drawn("system-status-jobs")


async def test_a_refresh_keeps_what_is_shown_until_the_new_is_there(page: Page) -> None:
    await page.open("/d/system-status-jobs")
    await page.tab.evaluate(
        "window.fewest = Infinity; window.watcher = setInterval(() => fewest = Math.min(fewest,"
        " document.querySelectorAll('[data-panel-title=\"Scheduled Jobs\"] [role=row]').length), 5)"
    )
    await page.refresh()

    assert await page.tab.evaluate("window.fewest") > 10
