"""Who is signed in to Grafana, as a server admin or as something less."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from time import monotonic

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from control_api.auth.grafana import GrafanaAuthenticator
from control_api.settings import ControlSettings
from tests.control_api.gate import FROM_OUR_PAGE, ORIGIN, Gate, gate
from tests.control_api.grafana import StandInGrafana, never, stand_in_grafana, team, user
from tests.waiting import until


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def settings(grafana: StandInGrafana, team: str | None = None, org: int = 1) -> ControlSettings:
    return ControlSettings(
        auth=("grafana",), grafana_url=grafana.url, grafana_team=team, grafana_org=org, origins=(ORIGIN,)
    )


def cookie(value: str) -> dict[str, str]:
    return {"Cookie": f"grafana_session={value}"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def grafana() -> AsyncIterator[StandInGrafana]:
    async with stand_in_grafana() as stand_in:
        stand_in.sessions = {
            "ann's": user("ann", isGrafanaAdmin=True),
            "olga's": user("olga", orgRole="Admin"),
            "vic's": user("vic", orgRole="Viewer"),
        }
        yield stand_in


@pytest.fixture
async def door(grafana: StandInGrafana, clock: Clock) -> AsyncIterator[Gate]:
    async with gate(GrafanaAuthenticator(settings(grafana), clock), settings=settings(grafana)) as served:
        yield served


async def test_a_server_admin_may_look_and_act(door: Gate) -> None:
    looked = await door.get(**cookie("ann's"))
    acted = await door.post("/control/main/fail-active", cookie("ann's") | FROM_OUR_PAGE, {"a": "b"})

    assert (looked.status, await looked.text()) == (200, "grafana:ann")
    assert (acted.status, await acted.json()) == (200, {"actor": "grafana:ann", "form": {"a": "b"}})


@pytest.mark.parametrize("who", ["olga", "vic"], ids=["an organization's Admin", "a viewer"])
async def test_an_organization_admin_and_a_viewer_are_refused_by_name(door: Gate, who: str) -> None:
    looked = await door.get(**cookie(f"{who}'s"))
    acted = await door.post(headers=cookie(f"{who}'s") | FROM_OUR_PAGE)

    assert (looked.status, acted.status) == (403, 403)
    assert (await looked.json())["detail"].startswith(f"grafana:{who} is no server admin")
    assert door.refusals == {("none", "none"): 1, ("main", "janitor"): 1}


@pytest.mark.parametrize("claim", ["true", 1, None, [True]])
async def test_only_the_word_true_makes_a_server_admin(door: Gate, grafana: StandInGrafana, claim: object) -> None:
    grafana.sessions["x"] = user("eve", isGrafanaAdmin=claim)

    assert (await door.get(**cookie("x"))).status == 403


@pytest.mark.parametrize("claim", [True, "true", 1, None])
async def test_a_disabled_server_admin_is_refused(door: Gate, grafana: StandInGrafana, claim: object) -> None:
    grafana.sessions["x"] = user("old", isGrafanaAdmin=True, isDisabled=claim)

    answer = await door.get(**cookie("x"))

    assert answer.status == 403
    assert "disabled" in await answer.text()


@pytest.mark.parametrize(
    "header", [None, "other=1", "grafana_session=", "grafana_session_expiry=1; xgrafana_session=1"]
)
async def test_no_cookie_is_401_without_a_question_to_grafana(
    door: Gate, grafana: StandInGrafana, header: str | None
) -> None:
    answer = await door.get(**({"Cookie": header} if header else {}))

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Cookie realm="Grafana", cookie-name="grafana_session"'
    assert "sign in to Grafana" in (await answer.json())["detail"]
    assert grafana.asked == []


async def test_an_expired_cookie_is_401(door: Gate) -> None:
    looked = await door.get(**cookie("expired"))
    acted = await door.post(headers=cookie("expired") | FROM_OUR_PAGE)

    assert (looked.status, acted.status) == (401, 401)
    assert "WWW-Authenticate" in looked.headers


async def test_grafana_down_is_503_and_not_401(door: Gate, grafana: StandInGrafana) -> None:
    async with stand_in_grafana() as stopped:
        pass
    down = GrafanaAuthenticator(settings(stopped))

    async with gate(down) as served:
        answer = await served.get(**cookie("ann's"))

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert (await answer.json())["type"] == "urn:problem-type:cannot-check"
    assert served.refusals == {("none", "none"): 1}


async def test_grafana_slow_is_503_after_three_seconds(door: Gate, grafana: StandInGrafana) -> None:
    grafana.misbehave = never
    began = monotonic()

    answer = await door.get(**cookie("ann's"))

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert 2.9 < monotonic() - began < 6


async def test_grafana_that_drips_its_answer_is_slow_too(
    door: Gate, grafana: StandInGrafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dripping(web.Response):
        async def write_eof(self, data: bytes = b"") -> None:
            while True:
                await self._payload_writer.write(b" ")  # type: ignore[union-attr]  # prepared by now
                await asyncio.sleep(0.05)

    async def drip() -> web.Response:
        return Dripping(headers={"Content-Type": "application/json", "Content-Length": "60000"})

    monkeypatch.setattr("control_api.auth.grafana.ANSWER_WITHIN", 0.3)
    grafana.misbehave = drip

    assert (await door.get(**cookie("ann's"))).status == 503


ADMIN = b'{"login": "ann", "isGrafanaAdmin": true'
LARGE = ADMIN + b', "name": "' + b"x" * 100_000 + b'"}'


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 404, "body": b"{}"},
        {"status": 429},
        {"status": 302, "headers": {"Location": "/api/user/teams"}},
        {"body": b"<html>sign in</html>", "headers": {"Content-Type": "text/html"}},
        {"body": ADMIN + b"}", "headers": {"Content-Type": "text/plain"}},
        {"body": ADMIN},
        {"body": b""},
        {"body": b"[" * 60_000},
        {"body": b"\xff"},
        {"body": LARGE},
        {"body": gzip.compress(LARGE, mtime=0), "headers": {"Content-Encoding": "gzip"}},
        {"body": b"not gzip", "headers": {"Content-Encoding": "gzip"}},
        {"body": b'["ann"]'},
        {"body": b'{"isGrafanaAdmin": true}'},
        {"body": b'{"login": "", "isGrafanaAdmin": true}'},
        {"body": b'{"login": 7, "isGrafanaAdmin": true}'},
        {"body": b'{"login": "a\\u0000b", "isGrafanaAdmin": true}'},
        {"body": b'{"login": "' + b"a" * 256 + b'", "isGrafanaAdmin": true}'},
    ],
    ids=lambda answer: f"{answer.get('status', '')}{answer.get('headers', '')}{answer.get('body', b'')[:40]!r}",
)
async def test_an_answer_that_is_not_grafanas_is_503_and_nobody_is_let_in(
    door: Gate, grafana: StandInGrafana, answer: dict[str, object]
) -> None:
    async def misbehave() -> web.Response:
        given = {"headers": {"Content-Type": "application/json"}} | answer
        given["headers"] = {"Content-Type": "application/json"} | given["headers"]  # type: ignore[operator]
        return web.Response(**given)  # type: ignore[arg-type]

    grafana.misbehave = misbehave

    refused = await door.get(**cookie("ann's"))

    assert refused.status == 503
    assert refused.headers["Retry-After"] == "5"
    assert [path for path, _ in grafana.asked] == ["/api/user"]


async def test_only_grafanas_own_cookie_is_forwarded_and_unchanged(door: Gate, grafana: StandInGrafana) -> None:
    value = 'a%2Fb"c"=d,e+{}'
    grafana.sessions[value] = user("ann", isGrafanaAdmin=True)
    headers = {
        "Cookie": f"first=1; grafana_session={value}; grafana_session=second; last=2",
        "Authorization": "Bearer secret",
        "X-Forwarded-For": "203.0.113.5",
        "X-WEBAUTH-USER": "admin",
    }

    answer = await door.get(**headers)

    assert answer.status == 200
    [(path, sent)] = grafana.asked
    assert path == "/api/user"
    assert sent["Cookie"] == f"grafana_session={value}"
    assert sent.keys() == {"Host", "Cookie", "Accept", "Accept-Encoding", "User-Agent"}


async def test_a_cookie_that_grafana_sets_for_one_is_not_sent_for_another(grafana: StandInGrafana) -> None:
    async def rotate() -> web.Response:
        return web.json_response(user("ann"), headers={"Set-Cookie": "grafana_session=rotated; Path=/"})

    grafana.misbehave = rotate
    grafana.url = grafana.url.replace("127.0.0.1", "localhost")

    async with gate(GrafanaAuthenticator(settings(grafana))) as served:
        await served.get(**cookie("first"))
        await served.get(**cookie("second"))

    assert [sent["Cookie"] for _, sent in grafana.asked] == ["grafana_session=first", "grafana_session=second"]


async def test_a_cookie_that_is_no_text_is_401_without_a_question(door: Gate, grafana: StandInGrafana) -> None:
    answer = await door.get(**cookie("é\udcff"))

    assert answer.status == 401
    assert grafana.asked == []


async def test_grafana_is_asked_again_after_ten_seconds(door: Gate, grafana: StandInGrafana, clock: Clock) -> None:
    assert (await door.get(**cookie("ann's"))).status == 200
    grafana.sessions.clear()

    clock.now += 9.9
    remembered = await door.get(**cookie("ann's"))
    clock.now += 0.2
    asked = await door.get(**cookie("ann's"))

    assert (remembered.status, asked.status) == (200, 401)
    assert len(grafana.asked) == 2


async def test_nothing_is_remembered_across_cookies(door: Gate, grafana: StandInGrafana) -> None:
    assert (await door.get(**cookie("ann's"))).status == 200
    assert (await door.get(**cookie("olga's"))).status == 403
    assert (await door.get(**cookie("ann's "))).status == 200  # white space at the end isn't the cookie's
    assert (await door.get(**cookie("ann's2"))).status == 401

    assert len(grafana.asked) == 3


@pytest.mark.parametrize(("before", "status"), [({}, 401), ({"x": user("olga")}, 403)])
async def test_a_refusal_is_remembered_two_seconds_at_most(
    door: Gate, grafana: StandInGrafana, clock: Clock, before: dict[str, dict[str, object]], status: int
) -> None:
    grafana.sessions = before
    assert (await door.get(**cookie("x"))).status == status
    grafana.sessions = {"x": user("olga", isGrafanaAdmin=True)}

    clock.now += 1.9
    remembered = await door.get(**cookie("x"))
    clock.now += 0.2
    asked = await door.get(**cookie("x"))

    assert (remembered.status, asked.status) == (status, 200)


async def test_a_failure_of_grafana_is_not_remembered(door: Gate, grafana: StandInGrafana) -> None:
    async def fail() -> web.Response:
        return web.Response(status=500)

    grafana.misbehave = fail
    assert (await door.get(**cookie("ann's"))).status == 503
    grafana.misbehave = None

    assert (await door.get(**cookie("ann's"))).status == 200


async def test_neither_cookie_nor_answer_is_ever_logged(door: Gate, grafana: StandInGrafana) -> None:
    async def garbage() -> web.Response:
        return web.Response(text="secret-of-grafana", content_type="application/json")

    with capture_logs() as logs:
        await door.get(**cookie("secret-expired"))
        grafana.misbehave = garbage
        await door.get(**cookie("secret-other"))

    assert [line["event"] for line in logs] == ["request.refused", "grafana.unusable", "request.refused"]
    assert "secret" not in repr(logs)


@pytest.mark.parametrize(
    ("teams", "admin", "status"),
    [
        ([team("Platform")], False, 200),
        ([team("Other"), team("Platform")], False, 200),
        ([team("Other")], True, 403),
        ([], True, 403),
        ([team("platform")], False, 403),
        ([team("Platform", org=2)], False, 403),
    ],
    ids=["member", "member of two", "server admin elsewhere", "in none", "other case", "that name elsewhere"],
)
async def test_a_team_may_stand_for_the_server_admins(
    grafana: StandInGrafana, teams: list[dict[str, object]], admin: bool, status: int
) -> None:
    grafana.sessions["x"] = user("tim", isGrafanaAdmin=admin)
    grafana.teams = teams
    configured = settings(grafana, team="Platform")

    async with gate(GrafanaAuthenticator(configured), settings=configured) as served:
        answer = await served.get(**cookie("x"))

    assert answer.status == status
    assert [path for path, _ in grafana.asked] == ["/api/user", "/api/user/teams"]


async def test_the_team_may_be_one_of_another_organization(grafana: StandInGrafana) -> None:
    grafana.sessions["x"] = user("tim", orgId=2)
    grafana.teams = [team("Platform", org=2)]

    async with gate(GrafanaAuthenticator(settings(grafana, team="Platform", org=2))) as served:
        assert (await served.get(**cookie("x"))).status == 200


async def test_a_disabled_member_of_the_team_is_refused(grafana: StandInGrafana) -> None:
    grafana.sessions["x"] = user("tim", isDisabled=True)
    grafana.teams = [team("Platform")]

    async with gate(GrafanaAuthenticator(settings(grafana, team="Platform"))) as served:
        assert (await served.get(**cookie("x"))).status == 403


@pytest.mark.parametrize("teams", [{"name": "Platform"}, ["Platform"], None])
async def test_teams_that_are_no_list_are_503(grafana: StandInGrafana, teams: object) -> None:
    grafana.sessions["x"] = user("tim")
    grafana.teams = teams  # type: ignore[assignment]  # what is tried here

    async with gate(GrafanaAuthenticator(settings(grafana, team="Platform"))) as served:
        assert (await served.get(**cookie("x"))).status == 503


async def test_only_so_many_cookies_are_remembered(grafana: StandInGrafana, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control_api.auth.grafana._REMEMBERED", 2)
    grafana.sessions = {str(number): user(f"u{number}", isGrafanaAdmin=True) for number in range(3)}

    async with gate(GrafanaAuthenticator(settings(grafana))) as served:
        for number in [0, 1, 2, 2, 0]:
            assert (await served.get(**cookie(str(number)))).status == 200

    assert len(grafana.asked) == 4


async def test_who_was_known_is_let_in_however_many_strangers_are_asked_about(
    door: Gate, grafana: StandInGrafana, clock: Clock
) -> None:
    assert (await door.get(**cookie("ann's"))).status == 200
    clock.now += 11  # Grafana has to be asked again
    answering, most = 0, 0

    async def slowly_to_strangers() -> web.Response:
        nonlocal answering, most
        answering += 1
        most = max(most, answering)
        known = grafana.asked[-1][1]["Cookie"] == "grafana_session=ann's"
        await asyncio.sleep(0 if known else 0.5)
        answering -= 1
        return web.json_response(user("ann", isGrafanaAdmin=True) if known else {}, status=200 if known else 401)

    grafana.misbehave = slowly_to_strangers
    strangers = [asyncio.create_task(door.get(**cookie(f"stranger{number}"))) for number in range(30)]
    await until(lambda: answering > 0)
    let_in = await door.get(**cookie("ann's"))
    refused = {answer.status for answer in await asyncio.gather(*strangers)}

    assert let_in.status == 200
    assert refused <= {401, 429}
    assert most <= 9  # eight strangers, and ann


async def test_strangers_push_nobody_out_of_what_is_remembered(
    door: Gate, grafana: StandInGrafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control_api.auth.grafana._REMEMBERED", 3)
    await door.get(**cookie("ann's"))
    for number in range(5):
        await door.get(**cookie(f"stranger{number}"))
    asked = len(grafana.asked)

    assert (await door.get(**cookie("ann's"))).status == 200
    assert len(grafana.asked) == asked
