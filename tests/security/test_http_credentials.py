"""Whoever makes up credentials: how much is asked about them, and whether the good ones wait."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from ipaddress import ip_network
from pathlib import Path
from secrets import token_urlsafe
from time import monotonic

import psycopg
import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from control_api.actions import Action
from control_api.auth import GrafanaAuthenticator
from control_api.settings import ControlSettings
from control_api.tokens import new, revoke
from tests.control_api.gate import Gate, gate
from tests.control_api.grafana import StandInGrafana, stand_in_grafana, user
from tests.control_api.service import Service, serving
from tests.security.programs import running
from tests.waiting import PATIENCE, until, until_found

_PAGE = "/control/main/janitor"
_CONNECTIONS = 400
_BURST = 10
"""So many wrong ones an address may send at once."""
_PROXY = (ip_network("127.0.0.0/8"),)


def made_up() -> str:
    """A text of a token's form, that is none."""
    return f"sst_{token_urlsafe(32)}"


def bearer(token: str, address: str = "203.0.113.9") -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "X-Forwarded-For": address}


@pytest.fixture
def token(migrated: str) -> str:
    with psycopg.connect(migrated) as conn:
        return new(conn, "ci", list(Action))


def served(roles: dict[str, str]) -> AbstractAsyncContextManager[Service]:
    return serving({"main": roles["control"]}, auth=("token",), trusted_proxies=_PROXY)


async def look_ups(database: str) -> int:
    """How often the table of tokens was ever read, told when all sessions that may read it have ended."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as conn:
        others = """SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""

        async def is_alone() -> bool:
            return await (await conn.execute(others)).fetchone() is None

        await until_found(is_alone)
        scans = (
            "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_all_tables WHERE relname = 'api_tokens'"
        )
        [number] = await (await conn.execute(scans)).fetchone() or [0]
        return int(number)


async def test_a_good_token_is_let_in_while_400_connections_send_made_up_ones(
    migrated: str, roles: dict[str, str], token: str, tmp_path: Path
) -> None:
    asked: Counter[int] = Counter()
    tries, before, began, enough = 20, await look_ups(migrated), monotonic(), asyncio.Event()
    async with (
        running("control_api", tmp_path, DATABASE_URL=roles["control"]) as program,
        ClientSession(
            f"http://127.0.0.1:{program.port}",
            connector=TCPConnector(limit=0),
            timeout=ClientTimeout(PATIENCE),
        ) as session,
    ):

        async def ask(credentials: str) -> int:
            async with session.get(_PAGE, headers=bearer(credentials)) as answer:
                await answer.read()
                return answer.status

        async def flood() -> None:
            while not enough.is_set():
                asked[await ask(made_up())] += 1

        floods = [asyncio.create_task(flood()) for _ in range(_CONNECTIONS)]
        await until(lambda: asked.total() > _CONNECTIONS)
        let_in = [await ask(token) for _ in range(tries)]
        enough.set()
        await asyncio.gather(*floods)
        seconds = monotonic() - began

    assert let_in == [200] * tries
    assert asked[200] == 0
    assert asked[429] > _CONNECTIONS / 2
    # One for each time the good one came, ten made-up ones and then ten a minute, and the list of the good ones.
    assert await look_ups(migrated) - before <= tries + 2 * _BURST + seconds / 6 + seconds / 10


async def test_a_good_token_is_no_strangers_before_the_good_ones_were_read_for_the_first_time(
    migrated: str, roles: dict[str, str], token: str
) -> None:
    async with (
        served(roles) as service,
        await psycopg.AsyncConnection.connect(migrated) as conn,
    ):
        await conn.execute("LOCK TABLE system_status.api_tokens IN ACCESS EXCLUSIVE MODE")
        asked = [
            asyncio.create_task(service.get(_PAGE, bearer(text, f"203.0.113.{number}")))
            for number, text in enumerate([made_up(), made_up(), token])
        ]
        await asyncio.sleep(1.5)  # longer than a stranger's token may wait for its turn
        await conn.rollback()
        statuses = [(await each).status for each in asked]

    assert statuses[-1] == 200


async def test_what_cannot_be_a_token_is_refused_without_a_look_up(
    migrated: str, roles: dict[str, str], token: str
) -> None:
    before = await look_ups(migrated)
    wrong = ["x", token[4:], f"{token}x", token[:-1], token.upper(), token.replace("sst_", "ssx_"), f"{token[:-1]}é"]
    async with served(roles) as service:
        statuses = [
            (await service.get(_PAGE, bearer(text, f"203.0.113.{number}"))).status for number, text in enumerate(wrong)
        ]

    assert statuses == [401] * len(wrong)
    assert await look_ups(migrated) == before


async def test_an_address_of_too_many_wrong_tokens_is_refused_without_a_look_up(
    migrated: str, roles: dict[str, str], token: str
) -> None:
    before = await look_ups(migrated)
    async with served(roles) as service:
        statuses = [(await service.get(_PAGE, bearer(made_up()))).status for _ in range(5 * _BURST)]

    assert statuses[:_BURST] == [401] * _BURST
    assert Counter(statuses)[429] >= 3 * _BURST
    assert await look_ups(migrated) - before <= statuses.count(401) + 5  # the list of the good ones now and then


async def test_a_good_token_is_let_in_from_an_address_of_too_many_wrong_ones(roles: dict[str, str], token: str) -> None:
    async with served(roles) as service:
        guesses = [(await service.get(_PAGE, bearer(made_up()))).status for _ in range(2 * _BURST)]
        good = await service.get(_PAGE, bearer(token))

    assert guesses[-1] == 429
    assert good.status == 200


async def test_a_token_is_good_as_soon_as_it_is_made_and_never_after_it_is_revoked(
    migrated: str, roles: dict[str, str], token: str
) -> None:
    async with served(roles) as service:
        first = (await service.get(_PAGE, bearer(token))).status
        with psycopg.connect(migrated) as conn:
            newer = new(conn, "newer", [Action.JANITOR])
        made = (await service.get(_PAGE, bearer(newer))).status
        with psycopg.connect(migrated) as conn:
            revoke(conn, "ci")
            revoke(conn, "newer")
        revoked = [(await service.get(_PAGE, bearer(text))).status for text in (token, newer)]

    assert (first, made, revoked) == (200, 200, [401, 401])


async def test_made_up_tokens_that_wait_for_the_database_hold_up_nothing_else(
    migrated: str, roles: dict[str, str]
) -> None:
    async with serving({"main": roles["control"]}, auth=("token", "loopback")) as service:
        await service.get(_PAGE, {"Authorization": f"Bearer {made_up()}"})  # the list has been read
        with psycopg.connect(migrated) as conn:
            conn.execute("LOCK TABLE system_status.api_tokens")
            strangers = [
                asyncio.create_task(service.get(_PAGE, {"Authorization": f"Bearer {made_up()}"})) for _ in range(30)
            ]
            let_in = [await service.get(_PAGE) for _ in range(5)]
            answers = await asyncio.gather(*strangers)

    assert [answer.status for answer in let_in] == [200] * 5
    assert {answer.status for answer in answers} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)


@pytest.fixture
async def grafana() -> AsyncIterator[StandInGrafana]:
    async with stand_in_grafana() as stand_in:
        stand_in.sessions["ann"] = user("ann", isGrafanaAdmin=True)
        yield stand_in


def behind(grafana: StandInGrafana) -> AbstractAsyncContextManager[Gate]:
    settings = ControlSettings(auth=("grafana",), grafana_url=grafana.url, trusted_proxies=_PROXY)
    return gate(GrafanaAuthenticator(settings), settings=settings)


def cookie(session: str) -> dict[str, str]:
    return {"Cookie": f"grafana_session={session}", "X-Forwarded-For": "203.0.113.9"}


async def test_grafana_is_asked_no_more_for_an_address_of_too_many_wrong_cookies(grafana: StandInGrafana) -> None:
    async with behind(grafana) as door:
        known = (await door.get(**cookie("ann"))).status
        guesses = [(await door.get(**cookie(f"guess{number}"))).status for number in range(5 * _BURST)]
        still_known = (await door.get(**cookie("ann"))).status

    assert (known, still_known) == (200, 200)
    assert guesses.count(429) >= 3 * _BURST
    assert len(grafana.asked) == 1 + guesses.count(401)


async def test_however_many_wrong_cookies_come_at_once_few_of_them_are_asked_about(grafana: StandInGrafana) -> None:
    async with behind(grafana) as door:
        answers = await asyncio.gather(*(door.get(**cookie(f"guess{number}")) for number in range(100)))

    assert Counter(answer.status for answer in answers)[429] >= 60
    assert len(grafana.asked) <= 2 * _BURST
