"""The real nginx before the control API: it keeps slow clients away, and passes on what a browser needs."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.control_api.nginx import CONFIGURATION, free_port, nginx
from tests.waiting import PATIENCE, until

SHORT = {
    "client_header_timeout 10s;": "client_header_timeout 1s;",
    "client_body_timeout 10s;": "client_body_timeout 1s;",
}
"""The limits of the configuration, shorter: a test of them need not take longer."""

LIMIT = 32
_HEAD = "{} HTTP/1.1\r\nHost: status.example.org\r\n"


@dataclass(slots=True)
class Behind:
    """A server behind nginx: notes the request lines that reach it, and answers when it is let."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    answering: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode("latin-1").splitlines()[0])
        await self.answering.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()


@dataclass(frozen=True, slots=True)
class Site:
    port: int
    control: Behind
    grafana: Behind

    async def open(self, address: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))

    async def status(self, target: str, address: str = "127.0.0.1") -> int:
        reader, writer = await self.open(address)
        writer.write(f"{_HEAD.format(f'GET {target}')}Connection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split()[1])


@asynccontextmanager
async def serving(folder: Path, changed: Mapping[str, str]) -> AsyncIterator[Site]:
    control, grafana, port = Behind(), Behind(), free_port()
    servers = [await asyncio.start_server(behind.take, "127.0.0.1", 0) for behind in (control, grafana)]
    for server, behind in zip(servers, (control, grafana), strict=True):
        behind.port = server.sockets[0].getsockname()[1]
    async with nginx(folder, port, f"127.0.0.1:{grafana.port}", f"127.0.0.1:{control.port}", changed):
        yield Site(port, control, grafana)
        control.answering.set()
        grafana.answering.set()
    for server in servers:
        server.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serving(tmp_path, {}) as site:
        yield site


@pytest.fixture
async def hasty_site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serving(tmp_path, SHORT) as site:
        yield site


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, drop: bytes) -> bytes:
    """Send *drop* again and again, until the other side has closed; what it said."""
    gone = asyncio.create_task(reader.read())
    async with asyncio.timeout(PATIENCE):
        while not gone.done():
            writer.write(drop)
            await asyncio.wait([gone], timeout=0.1)
    writer.close()
    return b"" if gone.exception() else gone.result()


async def test_a_slow_client_is_cut_off_before_the_control_api_hears_of_it(hasty_site: Site) -> None:
    reader, writer = await hasty_site.open()
    writer.write(_HEAD.format("GET /control/").encode())

    answer = await drip(reader, writer, b"X-More: and more\r\n")

    assert answer == b"" or int(answer.split()[1]) in {400, 408}
    assert hasty_site.control.asked == []


async def test_a_request_that_never_ends_is_cut_off_before_the_control_api_hears_of_it(hasty_site: Site) -> None:
    reader, writer = await hasty_site.open()
    writer.write(f"{_HEAD.format('POST /control/main/run')}Content-Length: 100\r\n\r\njob_type=".encode())

    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()

    writer.close()
    assert answer == b"" or int(answer.split()[1]) == 408
    assert hasty_site.control.asked == []


async def test_a_body_that_comes_slowly_holds_no_connection_of_the_control_api(site: Site) -> None:
    _, writer = await site.open()
    writer.write(f"{_HEAD.format('POST /control/main/run')}Content-Length: 9\r\nConnection: close\r\n\r\n".encode())
    site.control.answering.set()
    writer.write(b"x" * 8)
    assert await site.status("/control/") == 200
    assert site.control.asked == ["GET /control/ HTTP/1.0"]

    writer.write(b"x")

    await until(lambda: len(site.control.asked) == 2)
    writer.close()


async def test_one_address_has_at_most_32_requests_under_way_at_the_control_api(site: Site) -> None:
    targets = ["/control/", "/control", "/platform/system-status", "/admin/system-status"]
    waiting = [asyncio.create_task(site.status(targets[number % 4])) for number in range(LIMIT)]
    await until(lambda: len(site.control.asked) == LIMIT)

    more = [await site.status(target) for target in targets]
    other = asyncio.create_task(site.status("/control/", "127.0.0.2"))
    elsewhere = asyncio.create_task(site.status("/api/health"))
    await until(lambda: len(site.control.asked) == LIMIT + 1 and len(site.grafana.asked) == 1)
    site.control.answering.set()
    site.grafana.answering.set()

    assert more == [429] * 4
    assert await other == await elsewhere == 200
    assert await asyncio.gather(*waiting) == [200] * LIMIT


@pytest.mark.parametrize(
    "target",
    [
        "/metrics",
        "/healthz",
        "/readyz",
        "//metrics",
        "/./metrics",
        "/control/../metrics",
        "/control/..%2fmetrics",
        "/control/%2e%2e/metrics",
        "/control/%2e%2e%2fmetrics",
        "/control//..//metrics",
        "/control/;/../../metrics",
        "/control/.././metrics",
        "/control/x/../../readyz",
        "http://status.example.org/metrics",
    ],
)
async def test_no_path_through_the_proxy_leads_to_the_metrics_of_the_control_api(site: Site, target: str) -> None:
    site.control.answering.set()
    site.grafana.answering.set()

    await site.status(target)

    assert site.control.asked == []


def test_the_proxy_waits_ten_seconds_for_the_head_of_a_request() -> None:
    text = CONFIGURATION.read_text("utf-8")

    assert [int(seconds) for seconds in re.findall(r"client_\w+_timeout (\d+)s;", text)] == [10, 10]
    assert re.findall(r"limit_conn control (\d+);", text) == [str(LIMIT)] * 4
    assert not re.search(r"proxy_request_buffering off|client_max_body_size 0", text)


async def test_the_proxy_does_not_name_its_version(site: Site) -> None:
    reader, writer = await site.open()
    writer.write(b"nonsense\r\n\r\n")
    answer = await reader.read()
    writer.close()

    assert b"nginx" in answer
    assert not re.search(rb"nginx/\d", answer)
