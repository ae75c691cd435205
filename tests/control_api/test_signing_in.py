"""The page for somebody who isn't signed in says how to get in."""

import pytest

from tests.control_api.gate import ORIGIN
from tests.control_api.service import HTML, JSON, Page, serving

NOWHERE = {"main": "postgresql://nobody@127.0.0.1:1/none"}
GRAFANA = {"auth": ("grafana", "token"), "grafana_url": "http://127.0.0.1:1", "origins": (ORIGIN,)}


@pytest.mark.parametrize(
    ("dashboard", "leads_to"),
    [
        ("/d/system-status-jobs", "/login?redirectTo=%2Fd%2Fsystem-status-jobs"),
        ("/grafana/d/jobs?var-source=a", "/grafana/login?redirectTo=%2Fgrafana%2Fd%2Fjobs"),
        ("https://grafana.example.org/d/x/jobs#y", "https://grafana.example.org/login?redirectTo=%2Fd%2Fx%2Fjobs"),
        ("/status", "/status"),
    ],
)
async def test_people_are_led_to_grafanas_own_page_and_from_there_to_the_dashboard(
    dashboard: str, leads_to: str
) -> None:
    async with serving(NOWHERE, dashboard_url=dashboard, **GRAFANA) as service:
        answer = await service.get("/control/main/janitor", HTML)

    page = Page.read(await answer.text())
    assert answer.status == 401
    assert page.links["Sign in to Grafana"] == leads_to
    assert "python -m control_api token new" in page.text
    assert "localhost" not in page.text


async def test_only_the_ways_that_are_configured_are_named() -> None:
    async with serving(NOWHERE, auth=("token",)) as service:
        answer = await service.get("/control/", HTML)
        as_data = await service.get("/control/", JSON)

    page = Page.read(await answer.text())
    assert "Sign in to Grafana" not in page.links
    assert "python -m control_api token new" in page.text
    assert (await as_data.json())["detail"] == "this is for platform admins: send a bearer token"


async def test_a_page_about_another_problem_says_nothing_of_signing_in(migrated: str) -> None:
    async with serving({"main": migrated}) as service:
        answer = await service.get("/control/nowhere/janitor", HTML)

    assert answer.status == 404
    assert "token new" not in await answer.text()
