"""How much, and how often: bodies, actions, failed attempts, and whose they are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from ipaddress import ip_network

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from control_api.auth import Actor
from control_api.auth.grafana import GrafanaAuthenticator
from control_api.problems import TooManyRequests
from control_api.security.pace import Pace
from control_api.settings import ControlSettings
from tests.control_api.gate import ADMIN, FROM_OUR_PAGE, ORIGIN, Gate, Knows, gate
from tests.control_api.grafana import stand_in_grafana, user
from tests.waiting import until

LIMIT = 16 * 1024
FORM = FROM_OUR_PAGE | {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def door() -> AsyncIterator[Gate]:
    async with gate(Knows(ADMIN)) as served:
        yield served


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1024):
        yield b"a" * 1024
    yield b"a" * (size % 1024)


async def test_a_body_of_the_limit_is_read_and_one_byte_more_is_413(door: Gate) -> None:
    fits = await door.post(headers=FORM, data=b"a" * LIMIT)
    too_large = await door.post(headers=FORM, data=b"a" * (LIMIT + 1))

    assert (fits.status, too_large.status) == (200, 413)
    assert (await too_large.json())["type"] == "urn:problem-type:body-too-large"


@pytest.mark.parametrize("client_max_size", [LIMIT, 1024 * 1024])
async def test_a_body_that_does_not_tell_its_size_has_the_same_limit(client_max_size: int) -> None:
    async with gate(Knows(ADMIN), client_max_size=client_max_size) as served:
        fits = await served.post(headers=FORM, data=chunks(LIMIT))
        too_large = await served.post(headers=FORM, data=chunks(LIMIT + 1))

    assert (fits.status, too_large.status) == (200, 413)


HEAD = f"POST /control/main/janitor HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nContent-Type: application/json\r\n"


async def status(port: int, *parts: str) -> int:
    """The answer's status to what no client library would send, part after part."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part.encode())
        await writer.drain()
        await asyncio.sleep(0.05)  # so that it arrives by itself
    line = await reader.readline()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return int(line.split()[1])


async def test_a_body_that_is_announced_too_large_is_not_waited_for(door: Gate) -> None:
    assert await status(door.port, f"{HEAD}Content-Length: {LIMIT + 1}\r\n\r\n") == 413


async def test_a_body_that_is_never_sent_is_408(door: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control_api.security.bodies._READ_WITHIN", 0.2)

    assert await status(door.port, f"{HEAD}Content-Length: 10\r\n\r\n", "{") == 408
    assert door.refusals == {("main", "janitor"): 1}


@pytest.mark.parametrize("part", ["Content-Length: 10\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"])
async def test_a_client_that_leaves_in_the_middle_is_refused_and_no_mistake_of_ours(door: Gate, part: str) -> None:
    with capture_logs() as logs:
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(f"{HEAD}{part}".encode())
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await until(lambda: bool(door.refusals))

    assert [(line["event"], line["status"]) for line in logs] == [("request.refused", 400)]


async def test_an_actor_in_a_hurry_is_429_and_others_are_not(door: Gate) -> None:
    first = [(await door.post(headers=FROM_OUR_PAGE)).status for _ in range(10)]
    held_back = await door.post(headers=FROM_OUR_PAGE)
    looked = await door.get()

    assert first == [200] * 10
    assert held_back.status == 429
    assert held_back.headers["Retry-After"] in ("1", "2")
    assert looked.status == 200
    assert door.refusals == {("main", "janitor"): 1}


async def test_posts_of_another_site_do_not_use_up_what_an_actor_may(door: Gate) -> None:
    for _ in range(20):
        assert (await door.post(headers={"Sec-Fetch-Site": "cross-site"})).status == 403

    assert (await door.post(headers=FROM_OUR_PAGE)).status == 200


async def test_wrong_credentials_are_429_after_some_and_known_ones_from_the_same_address_are_not() -> None:
    async with stand_in_grafana() as grafana:
        grafana.sessions["good"] = user("ann", isGrafanaAdmin=True)
        settings = ControlSettings(
            auth=("grafana",),
            grafana_url=grafana.url,
            origins=(ORIGIN,),
            trusted_proxies=(ip_network("127.0.0.1"),),
        )
        async with gate(GrafanaAuthenticator(settings), settings=settings) as served:

            async def status(cookie: str, address: str) -> int:
                headers = {"Cookie": f"grafana_session={cookie}", "X-Forwarded-For": address}
                return (await served.get(**headers)).status

            known = await status("good", "203.0.113.9")
            guesses = [await status(f"guess{number}", "203.0.113.9") for number in range(12)]
            same_address = await status("good", "203.0.113.9")
            forged_beside_it = await status("guess", "198.51.100.1, 203.0.113.9")
            another_address = await status("guess", "203.0.113.10")

    assert known == 200
    assert guesses == [401] * 10 + [429] * 2
    assert (same_address, forged_beside_it, another_address) == (200, 429, 401)


async def test_without_credentials_nothing_is_guessed_and_nobody_has_to_wait() -> None:
    async with stand_in_grafana() as grafana:
        settings = ControlSettings(auth=("grafana",), grafana_url=grafana.url)
        async with gate(GrafanaAuthenticator(settings), settings=settings) as served:
            statuses = {(await served.get()).status for _ in range(20)}

    assert statuses == {401}


@pytest.mark.parametrize(
    ("proxies", "header", "client"),
    [
        ([], "203.0.113.9", "127.0.0.1"),
        (["10.0.0.0/8"], "203.0.113.9", "127.0.0.1"),
        (["127.0.0.0/8"], None, "127.0.0.1"),
        (["127.0.0.0/8"], "203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8"], "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8"], "127.0.0.1, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8"], "nonsense, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8"], "203.0.113.9, nonsense", "127.0.0.1"),
        (["127.0.0.0/8"], ",, 203.0.113.9 ,", "203.0.113.9"),
        (["127.0.0.0/8", "10.0.0.0/8"], "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        (["127.0.0.0/8", "10.0.0.0/8"], "10.9.9.9, 10.1.2.3", "10.9.9.9"),
        (["127.0.0.0/8"], "203.0.113.9:4711", "203.0.113.9"),
        (["127.0.0.0/8"], "[2001:db8::1]:4711", "2001:db8::1"),
        (["127.0.0.0/8"], "::ffff:203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8"], "fe80::1%eth0", "fe80::1"),
    ],
)
async def test_a_forged_forwarded_address_is_ignored_and_a_proxys_word_is_not(
    proxies: list[str], header: str | None, client: str
) -> None:
    settings = ControlSettings(trusted_proxies=tuple(ip_network(proxy) for proxy in proxies))

    async with gate(Knows(ADMIN), settings=settings) as served:
        with capture_logs() as logs:
            await served.post(headers={"X-Forwarded-For": header} if header else {})

    assert logs[0]["client"] == client


async def test_a_forged_forwarded_host_makes_no_origin_of_its_own() -> None:
    loopback = Actor("loopback:admin", ADMIN.allowed, "loopback")
    headers = {"X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "https"}

    async with gate(Knows(loopback), settings=ControlSettings()) as served:
        answer = await served.post(headers=headers | {"Origin": "https://evil.example.com"})

    assert answer.status == 403


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(
    pauses=st.lists(st.floats(0, 30), max_size=80),
    per_minute=st.integers(1, 60),
    burst=st.integers(1, 10),
)
def test_in_any_stretch_of_time_there_are_a_burst_and_the_pace_at_most(
    pauses: list[float], per_minute: int, burst: int
) -> None:
    clock, allowed = Clock(), []
    pace = Pace(per_minute, burst, clock)
    for pause in pauses:
        clock.now += pause
        with suppress(TooManyRequests):
            pace.check("ann", "x")
            pace.count("ann")
            allowed.append(clock.now)

    for first, begin in enumerate(allowed):
        for last, end in enumerate(allowed[first:], start=first):
            assert last - first + 1 <= burst + (end - begin) * per_minute / 60 + 1e-6


@given(st.integers(1, 60), st.integers(1, 10))
def test_who_waits_as_long_as_they_are_told_may_go_on(per_minute: int, burst: int) -> None:
    clock = Clock()
    pace = Pace(per_minute, burst, clock)
    for _ in range(burst):
        pace.check("ann", "x")
        pace.count("ann")
    with pytest.raises(TooManyRequests) as caught:
        pace.check("ann", "x")

    clock.now += caught.value.retry_after or 0

    pace.check("ann", "x")


def test_only_so_many_names_are_remembered_the_newest() -> None:
    pace = Pace(1, 1, Clock(), remembered=100)
    for number in range(1000):
        pace.count(str(number))
        pace.count("busy")

    assert len(pace) == 100
    with pytest.raises(TooManyRequests):
        pace.check("busy", "x")
    pace.check("0", "x")


async def test_addresses_of_one_ipv6_customer_count_as_one() -> None:
    async with stand_in_grafana() as grafana:
        settings = ControlSettings(
            auth=("grafana",), grafana_url=grafana.url, trusted_proxies=(ip_network("127.0.0.1"),)
        )
        async with gate(GrafanaAuthenticator(settings), settings=settings) as served:
            statuses = [
                (
                    await served.get(
                        **{"Cookie": f"grafana_session={number}", "X-Forwarded-For": f"2001:db8:0:1::{number}"}
                    )
                ).status
                for number in range(11)
            ]

    assert statuses == [401] * 10 + [429]


async def test_whatever_it_waits_for_an_answer_comes_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control_api.security.patience.ANSWER_WITHIN", 0.2)

    class Slow(Knows):
        async def authenticate(self, request: web.Request) -> Actor | None:
            await asyncio.sleep(60)
            raise AssertionError("nobody waits that long")

    async with gate(Slow(ADMIN)) as served:
        answer = await served.get()

    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert (await answer.json())["type"] == "urn:problem-type:too-slow"
