"""Whoever owns another site, or sits between a browser and us: what is done in somebody else's name."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from control_api.actions import Action
from control_api.security.once import DECIDING
from control_api.tokens import new
from tests.control_api.grafana import stand_in_grafana, user
from tests.control_api.service import JSON, Service, serving
from tests.security.programs import heads, send

JANITOR = "/control/main/janitor"
OURS = "https://grafana.example.org"
ADMIN = {"Cookie": "grafana_session=ann"}
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin", "Origin": OURS}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def served(migrated: str, roles: dict[str, str]) -> AsyncIterator[Service]:
    """On Grafana's origin, where ann is a server admin."""
    async with stand_in_grafana() as grafana:
        grafana.sessions["ann"] = user("ann", isGrafanaAdmin=True)
        settings = {"auth": ("grafana", "token"), "grafana_url": grafana.url, "origins": (OURS,)}
        async with serving({"main": roles["control"]}, **settings) as service:
            yield service


def done(database: str) -> list[str]:
    """Who has done something, by the log."""
    with psycopg.connect(database) as conn:
        return [actor for (actor,) in conn.execute("SELECT actor FROM system_status.admin_actions").fetchall()]


def port(service: Service) -> int:
    return int(service.url.rpartition(":")[2])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
        {"Sec-Fetch-Site": "SAME-ORIGIN"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://grafana.example.org"},
        {"Origin": "https://grafana.example.org.evil.com"},
        {"Origin": "https://grafana.example.org:8443"},
        {"Origin": "https://evil@grafana.example.org"},
        {"Origin": f"{OURS} https://evil.example.com"},
        {"Origin": OURS, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://evil.example.com", "Host": "evil.example.com"},
        {"Origin": "https://evil.example.com", "X-Forwarded-Host": "evil.example.com"},
        {"Referer": f"{OURS}/control/"},
    ],
    ids=str,
)
async def test_another_site_can_do_nothing_in_the_name_of_an_admin(
    migrated: str, served: Service, headers: dict[str, str]
) -> None:
    answer = await served.send("POST", JANITOR, ADMIN | headers, data={"request_id": "x"})

    assert answer.status == 403
    assert done(migrated) == []


def _message(headers: list[str], body: str = "request_id=x") -> bytes:
    usual = ["Host: x", "Connection: close", f"Content-Length: {len(body)}"]
    return "\r\n".join([f"POST {JANITOR} HTTP/1.1", *usual, *headers, "", body]).encode()


_GOOD = [f"Cookie: {ADMIN['Cookie']}", f"Content-Type: {FORM}", "Sec-Fetch-Site: same-origin", f"Origin: {OURS}"]
_SECOND = {
    "Content-Encoding": "identity",
    "Content-Length": "12",
    "Content-Type": FORM,
    "Cookie": "grafana_session=ann",
    "Expect": "100-continue",
    "Host": "x",
    "Idempotency-Key": "x",
    "Origin": OURS,
    "Sec-Fetch-Site": "same-origin",
    "Transfer-Encoding": "chunked",
}


@pytest.mark.parametrize("name", DECIDING)
async def test_a_header_that_decides_something_is_refused_when_it_comes_twice(
    migrated: str, served: Service, name: str
) -> None:
    again = f"{name}: {_SECOND[name]}"
    twice = [*_GOOD, again] if any(line.startswith(name) for line in _GOOD) else [*_GOOD, again, again]

    answer = await send(port(served), _message(twice))

    assert [head.status for head in heads(answer)] == [400]
    assert done(migrated) == []


@pytest.mark.parametrize("order", [("same-origin", "cross-site"), ("cross-site", "same-origin")])
async def test_of_two_words_on_where_a_request_comes_from_neither_is_believed(
    migrated: str, served: Service, order: tuple[str, str]
) -> None:
    said = [*(f"Sec-Fetch-Site: {word}" for word in order), *_GOOD[:2]]

    answer = await send(port(served), _message(said))

    assert [head.status for head in heads(answer)] == [400]
    assert done(migrated) == []


async def test_the_same_request_with_each_of_these_headers_once_is_carried_out(migrated: str, served: Service) -> None:
    answer = await send(port(served), _message(_GOOD))

    assert heads(answer)[0].status in (200, 202)
    assert done(migrated) == ["grafana:ann"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (ADMIN | {"Authorization": "Bearer TOKEN"}, 403),
        ({"Cookie": "grafana_session=wrong", "Authorization": "Bearer TOKEN"}, 401),
        ({"Cookie": "grafana_session=wrong", "Authorization": "Bearer TOKEN", **FROM_OUR_PAGE}, 401),
        ({"Cookie": "other=1", "Authorization": "Bearer TOKEN"}, 403),
        ({"Authorization": "Bearer TOKEN, Bearer TOKEN"}, 401),
        ({"Authorization": "Basic dTpw, Bearer TOKEN"}, 401),
    ],
)
async def test_two_credentials_at_once_are_worth_no_more_than_the_weaker_one(
    migrated: str, served: Service, headers: dict[str, str], status: int
) -> None:
    with psycopg.connect(migrated) as conn:
        token = new(conn, "ci", list(Action))
    sent = {name: value.replace("TOKEN", token) for name, value in headers.items()}

    answer = await served.send("POST", JANITOR, sent, data={"request_id": "x"})

    assert answer.status == status
    assert done(migrated) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "post", "PROPFIND"])
async def test_nothing_turns_another_method_into_an_order(migrated: str, served: Service, method: str) -> None:
    override = dict.fromkeys(("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"), "POST")
    path = f"{JANITOR}?_method=POST&request_id=x"
    lines = [f"{name}: {value}" for name, value in (ADMIN | FROM_OUR_PAGE | override | JSON).items()]
    message = _message([*lines, f"Content-Type: {FORM}"], "_method=POST&request_id=x").replace(b"POST ", b"", 1)

    answer = await send(port(served), message.replace(JANITOR.encode(), f"{method} {path}".encode(), 1))

    assert heads(answer)[0].status in (200, 400, 403, 405)
    assert done(migrated) == []
