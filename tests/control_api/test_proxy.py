"""Behind the real nginx, configured as ``deploy/nginx`` has it, on one origin with a stand-in for Grafana."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, web
from psycopg import AsyncConnection
from pydantic import SecretStr

from control_api.app import create_app
from control_api.security import MAX_BODY
from control_api.settings import ControlSettings
from jobqueue.config import Source
from tests.control_api.grafana import StandInGrafana, stand_in_grafana, user
from tests.control_api.nginx import free_port, nginx

JOB_TYPES = ["mail", "acme/jobs.Email", 'say "hi"', "100%", "a&b=c#d", "ünïcode ☃"]


@pytest.fixture
async def grafana() -> AsyncIterator[StandInGrafana]:
    async with stand_in_grafana() as stand_in:
        stand_in.sessions |= {"ann": user("ann", isGrafanaAdmin=True), "bob": user("bob")}
        yield stand_in


@pytest.fixture
async def site(migrated: str, grafana: StandInGrafana, tmp_path: Path) -> AsyncIterator[str]:
    """The address of nginx, with the control API and Grafana behind it."""
    port, control_port = free_port(), free_port()
    origin = f"http://127.0.0.1:{port}"
    settings = ControlSettings(
        port=control_port,
        auth=("grafana",),
        grafana_url=grafana.url,
        origins=(origin,),
        trusted_proxies=("127.0.0.1/32",),  # type: ignore[arg-type]  # read from text, as in a file
    )
    assert MAX_BODY == 16 * 1024  # as the configuration says
    source = Source(name="main", dsn=SecretStr(migrated))
    runner = web.AppRunner(create_app([source], settings), access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", control_port).start()
    try:
        async with nginx(tmp_path, port, grafana.url.removeprefix("http://"), f"127.0.0.1:{control_port}"):
            yield origin
    finally:
        await runner.cleanup()


def browser(cookie: str | None, site: str, **headers: str) -> ClientSession:
    cookies = {"grafana_session": cookie} if cookie else {}
    return ClientSession(
        site, cookies=cookies, cookie_jar=CookieJar(unsafe=True), headers={"Accept": "application/json", **headers}
    )


async def test_a_server_admin_of_grafana_runs_a_job_of_any_name_through_the_proxy(site: str, migrated: str) -> None:
    async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
        for job_type in JOB_TYPES:
            await conn.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES (%s, '* * * * *')", [job_type])
        async with browser("ann", site, Origin=site) as session:
            for number, job_type in enumerate(JOB_TYPES):
                form = {"job_type": job_type, "request_id": f"r{number}"}
                async with session.post("/control/main/run", data=form) as answer:
                    assert answer.status == 200, await answer.text()
        rows = await (await conn.execute("SELECT job_type FROM ascent.jobs ORDER BY id")).fetchall()
    assert [job_type for (job_type,) in rows] == JOB_TYPES


@pytest.mark.parametrize(
    ("cookie", "origin", "status"),
    [("bob", None, 403), (None, None, 401), ("expired", None, 401), ("ann", "https://evil.example", 403)],
    ids=["not a server admin", "no cookie", "an expired cookie", "another site"],
)
async def test_nobody_else_gets_through(site: str, cookie: str | None, origin: str | None, status: int) -> None:
    async with (
        browser(cookie, site, Origin=origin or site) as session,
        session.post("/control/main/janitor", data={"request_id": "r"}) as answer,
    ):
        assert answer.status == status
        assert answer.content_type == "application/problem+json"


async def test_what_a_client_says_of_its_address_is_not_believed(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "Origin": "http://evil.example"}
    async with (
        browser("ann", site, **headers) as session,
        session.post("/control/main/janitor", data={"request_id": "r"}) as answer,
    ):
        assert answer.status == 403

    assert "203.0.113.9" not in capsys.readouterr().out


async def test_everything_else_is_grafanas(site: str, grafana: StandInGrafana) -> None:
    async with browser("ann", site) as session, session.get("/api/user") as answer:
        assert (await answer.json())["login"] == "ann"


async def test_grafana_hears_nothing_that_a_client_says_of_its_address(site: str, grafana: StandInGrafana) -> None:
    said = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "203.0.113.9",
    }
    async with browser("ann", site, **said) as session, session.get("/api/user") as answer:
        assert answer.status == 200

    [(_, heard)] = grafana.asked
    assert {name: heard[name] for name in said} == {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": site.removeprefix("http://"),
        "X-Forwarded-Proto": "http",
        "X-Real-IP": "127.0.0.1",
    }


async def test_a_body_larger_than_any_form_is_refused_at_the_door(site: str) -> None:
    async with (
        browser("ann", site, Origin=site) as session,
        session.post("/control/main/run", data={"job_type": "x" * 20_000, "request_id": "r"}) as answer,
    ):
        assert answer.status == 413
