"""Who gets pages, who gets data, and where old addresses lead."""

import pytest

from tests.control_api.service import HTML, serving

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("text/html;q=0", "application/json"),
        (BROWSER, "text/html"),
        ("text/html", "text/html"),
        ("application/json;q=0.2, text/html;q=0.3", "text/html"),
    ],
)
async def test_browsers_get_pages_and_whoever_takes_anything_gets_data(
    migrated: str, accept: str | None, content_type: str
) -> None:
    async with serving({"main": migrated}) as served:
        for path in ("/control/", "/control/audit", "/control/main/janitor"):
            answer = await served.get(path, {"Accept": accept} if accept else {})

            assert (answer.status, answer.content_type) == (200, content_type)
            assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/control", "/control/"),
        ("/platform/system-status", "https://grafana.example.org/d/jobs"),
        ("/admin/system-status", "https://app.example.org/email-queue"),
    ],
)
async def test_addresses_that_people_know_lead_on(migrated: str, path: str, leads_to: str) -> None:
    places = {
        "dashboard_url": "https://grafana.example.org/d/jobs",
        "email_queue_url": "https://app.example.org/email-queue",
    }
    async with serving({"main": migrated}, **places) as served:
        answer = await served.get(path, HTML)

    assert (answer.status, answer.headers["Location"]) == (302, leads_to)


async def test_an_email_queue_that_is_not_configured_is_said_not_to_be(migrated: str) -> None:
    async with serving({"main": migrated}) as served:
        answer = await served.get("/admin/system-status")

    assert answer.status == 404
    assert "CONTROL_API_EMAIL_QUEUE_URL" in (await answer.json())["detail"]


async def test_everything_lies_below_the_configured_path(migrated: str) -> None:
    async with serving({"main": migrated}, base_path="/grafana/control") as served:
        page = await served.page("/grafana/control/")
        asking = await served.page("/grafana/control/main/janitor")
        old = await served.get("/control/")

    ours = {address for address in page.addresses + asking.addresses if not address.startswith("/d/")}
    assert all(address.startswith("/grafana/control/") or address == "/grafana/control/audit" for address in ours)
    assert asking.forms[0].action == "/grafana/control/main/janitor"
    assert old.status == 404
