"""What remains possible, and why it is told: whoever edits dashboards, holds a session, or reaches a port."""

import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from aiohttp import ClientConnectorSSLError, ClientSession
from structlog.testing import capture_logs

from control_api.actions import Action
from tests.control_api.grafana import StandInGrafana, stand_in_grafana, user
from tests.control_api.service import JSON, Service, serving
from tests.exporter.process import serving as exporter_serving

_OURS = "https://grafana.example.org"
_DASHBOARD = Path(__file__).parents[2] / "dashboards/build/system-status-jobs.json"


@pytest.fixture
async def grafana() -> AsyncIterator[StandInGrafana]:
    async with stand_in_grafana() as stand_in:
        stand_in.sessions |= {"ann": user("ann", isGrafanaAdmin=True), "eve": user("eve", orgRole="Editor")}
        yield stand_in


@pytest.fixture
async def served(roles: dict[str, str], grafana: StandInGrafana) -> AsyncIterator[Service]:
    async with serving(
        {"main": roles["control"]}, auth=("grafana",), grafana_url=grafana.url, origins=(_OURS,)
    ) as service:
        yield service


def _press(session: str) -> dict[str, str]:
    """The headers of a button in a dashboard, which the browser of whoever presses it sends."""
    headers = {"Cookie": f"grafana_session={session}", "Origin": _OURS, "Sec-Fetch-Site": "same-origin"}
    return {**JSON, **headers, "Content-Type": "application/x-www-form-urlencoded"}


def _button_of_an_editor() -> dict[str, str]:
    """One of our own buttons, of which an editor of dashboards has changed caption, address and body."""
    text = _DASHBOARD.read_text("utf-8")
    decoder = json.JSONDecoder()
    fetch: dict[str, str]
    fetch, _ = decoder.raw_decode(text, text.index("{", text.index('"fetch": {')))
    return {**fetch, "url": "/control/main/cancel-pending", "body": "request_id=looks-harmless"}


async def test_an_editor_of_a_dashboard_can_place_a_button_that_acts_for_the_admin_who_presses_it(
    migrated: str, served: Service
) -> None:
    button = _button_of_an_editor()

    by_the_editor = await served.send(button["method"], button["url"], _press("eve"), data=button["body"])
    by_the_admin = await served.send(button["method"], button["url"], _press("ann"), data=button["body"])

    assert (by_the_editor.status, by_the_admin.status) == (403, 200)
    with psycopg.connect(migrated) as conn:
        log = conn.execute("SELECT actor, action FROM system_status.admin_actions").fetchall()
    assert log == [("grafana:ann", "cancel-pending")]


async def test_the_log_names_the_admin_whose_session_acted_and_a_refusal_names_the_one_who_tried(
    migrated: str, served: Service
) -> None:
    with capture_logs() as logs:
        await served.send("POST", "/control/main/janitor", _press("eve"), data="request_id=a")
    done = await (await served.send("POST", "/control/main/janitor", _press("ann"), data="request_id=b")).json()

    assert done["actor"] == "grafana:ann"
    assert [line["actor"] for line in logs if line["event"] == "request.refused"] == ["grafana:eve"]


async def test_the_session_of_a_server_admin_is_enough_for_every_action(served: Service) -> None:
    for action in set(Action) - {Action.RUN}:
        answer = await served.send("POST", f"/control/main/{action}", _press("ann"), data=f"request_id={action}")

        assert answer.status in (200, 202), action


async def test_everyone_who_reaches_a_port_can_read_metrics_and_health_without_credentials(migrated: str) -> None:
    async with exporter_serving(DATABASE_URL=migrated) as exporter:
        opened = [(await exporter.get(path))[0] for path in ("/", "/metrics", "/healthz")]
    async with serving({"main": migrated}, auth=("token",)) as control:
        opened += [(await control.get(path)).status for path in ("/metrics", "/healthz", "/readyz")]
        closed = await control.get("/control/")

    assert opened == [200] * 6
    assert closed.status == 401


async def test_tls_is_the_proxys_for_neither_program_speaks_it(migrated: str) -> None:
    trusting = ssl.create_default_context()
    async with (
        exporter_serving(DATABASE_URL=migrated) as exporter,
        serving({"main": migrated}) as control,
        ClientSession() as session,
    ):
        for address in (exporter.address, control.url):
            with pytest.raises(ClientConnectorSSLError):
                await session.get(address.replace("http:", "https:") + "/healthz", ssl=trusting)
