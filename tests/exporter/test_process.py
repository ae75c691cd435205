"""``python -m exporter``: what it serves, how it ends, and what it says when something is wrong."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from psycopg import AsyncConnection

from demo.postgres import EmbeddedPostgres
from demo.processes import Child
from exporter.source import SourceMonitor
from jobqueue import catalogue as metrics
from tests.conftest import Server
from tests.exporter.process import Running, run, serving
from tests.exporter.rows import populate
from tests.exporter.scrape import source
from tests.exporter.wire import Wire
from tests.waiting import PATIENCE, until

NOWHERE = "postgresql://postgres@127.0.0.1:1/nowhere"
PASSWORD = "Zq9-never-to-be-seen"
LEVELS = {"debug", "info", "warning", "error"}
HANGING = {
    "a locked table": "BEGIN; LOCK TABLE ascent.jobs IN ACCESS EXCLUSIVE MODE",
    "a slow query": """
        ALTER TABLE ascent.workers RENAME TO quick_workers;
        CREATE VIEW ascent.workers AS SELECT quick.* FROM ascent.quick_workers AS quick, pg_sleep(60);
        INSERT INTO ascent.quick_workers (id, mode) VALUES ('w1', 'all')
    """,
}
SESSIONS = """
SELECT count(*), count(*) FILTER (WHERE wait_event = 'PgSleep' OR wait_event_type = 'Lock')
  FROM pg_stat_activity WHERE application_name = 'system-status exporter' AND datname = current_database()
"""

Configured = Callable[..., dict[str, str]]


class Sessions:
    """The exporter's sessions in a database."""

    def __init__(self, onlooker: psycopg.Connection) -> None:
        self._onlooker = onlooker

    def count(self) -> int:
        return self._look()[0]

    def hang(self) -> bool:
        """Whether one of them sleeps, or waits for a lock."""
        return self._look()[1] > 0

    def _look(self) -> tuple[int, int]:
        sessions, hanging = self._onlooker.execute(SESSIONS).fetchone() or (0, 0)
        return sessions, hanging


@pytest.fixture
def sessions(migrated: str) -> Iterator[Sessions]:
    with psycopg.connect(migrated, autocommit=True) as onlooker:
        yield Sessions(onlooker)


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """Writes a file of sources, one by one ``name=address``, that are read each second; the variable that names it."""

    def write(statement_timeout: float = 1.0, **addresses: str) -> dict[str, str]:
        sources = [
            {"name": name, "dsn": address, "poll_interval": 1, "statement_timeout": statement_timeout}
            for name, address in addresses.items()
        ]
        file = tmp_path / "system-status.yml"
        file.write_text(yaml.safe_dump({"sources": sources}))
        return {"SYSTEM_STATUS_CONFIG": str(file)}

    return write


def up(page: str) -> dict[str, float]:
    """Which sources answer, by a page in the text format."""
    families = text_string_to_metric_families(page)
    return {
        sample.labels["source"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == metrics.UP.name
    }


async def test_it_serves_until_it_is_told_to_end(queue: AsyncConnection, migrated: str) -> None:
    await populate(queue)
    async with serving(DATABASE_URL=migrated) as exporter:
        await exporter.until("/readyz", 200)
        status, text = await exporter.get("/metrics")
        code = await exporter.terminate(within=5)

    assert (status, code) == (200, 0)
    assert up(text) == {"main": 1}
    assert exporter.log[-1]["event"] == "exporter.ended"
    assert not [line for line in exporter.log if line["level"] == "error"]


async def test_it_ends_at_once_when_it_has_only_begun() -> None:
    async with serving(DATABASE_URL=NOWHERE) as exporter:
        code = await exporter.terminate(within=5)

    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("what", HANGING)
async def test_a_signal_ends_it_and_its_sessions_while_a_query_hangs(
    queue: AsyncConnection,
    migrated: str,
    configured: Configured,
    sessions: Sessions,
    tmp_path: Path,
    what: str,
    number: signal.Signals,
) -> None:
    await queue.execute(HANGING[what].encode())
    variables = configured(main=migrated, statement_timeout=60.0) | {"EXPORTER_HOST": "127.0.0.1", "EXPORTER_PORT": "0"}
    child = Child.start("exporter", [sys.executable, "-m", "exporter"], log=tmp_path / "log", environment=variables)
    try:
        await until(sessions.hang)
        os.kill(child.pid, number)
        await until(lambda: child.exit_code is not None, seconds=5)
        code = child.exit_code
        await until(lambda: sessions.count() == 0, seconds=1)
    finally:
        child.stop()

    assert code == 0
    assert json.loads(child.last_words(1))["event"] == "exporter.ended"


@pytest.mark.parametrize("dies", ["before it is read", "after it was read"])
async def test_it_ends_at_once_while_the_line_is_dead(migrated: str, configured: Configured, dies: str) -> None:
    async with Wire(migrated).strung() as wire:
        if dies == "before it is read":
            wire.alive.clear()
        async with serving(**configured(main=wire.address, statement_timeout=60.0)) as exporter:
            if dies == "after it was read":
                await exporter.until("/readyz", 200)
                wire.alive.clear()
            await wire.swallowed.wait()
            code = await exporter.terminate(within=5)

    assert code == 0


@asynccontextmanager
async def said(exporter: Running, request: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection over which these bytes were sent; what is answered."""
    address = urlsplit(exporter.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request)
    await writer.drain()
    yield reader
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_stops_in_the_middle_does_not_keep_it_from_ending() -> None:
    async with (
        serving(DATABASE_URL=NOWHERE) as exporter,
        said(exporter, b"GET /metrics HTTP/1.1\r\nHo"),
        said(exporter, b"POST /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf of") as answer,
    ):
        await answer.readline()
        code = await exporter.terminate(within=4)

    assert code == 0


async def test_it_holds_two_connections_at_most(
    queue: AsyncConnection, migrated: str, configured: Configured, sessions: Sessions
) -> None:
    async with serving(**configured(main=migrated)) as exporter:
        await exporter.until("/readyz", 200)
        await queue.execute(HANGING["a locked table"].encode())
        counts = set()
        for _ in range(100):  # two rounds of readers that wait for each other
            counts.add(sessions.count())
            await asyncio.sleep(0.02)

    assert max(counts) == 2


async def test_it_is_ready_while_every_source_is_read(
    postgres: EmbeddedPostgres, address: str, migrated: str, configured: Configured
) -> None:
    async with Wire(address).strung() as wire:
        wire.alive.clear()
        async with serving(**configured(up=migrated, late=wire.address)) as exporter:
            not_yet = await exporter.until("/readyz", 503)
            healthy = [await exporter.get("/healthz")]
            wire.alive.set()
            ready = [await exporter.until("/readyz", 200)]
            postgres.stop()
            gone = await exporter.until("/readyz", 503)
            healthy += [await exporter.get("/healthz")]
            _, page = await exporter.get("/metrics")
            postgres.start_again()
            ready += [await exporter.until("/readyz", 200)]

    assert "late" in not_yet
    assert gone == "not read lately: late\n"
    assert ready == ["ok\n"] * 2
    assert healthy == [(200, "ok\n")] * 2
    assert up(page) == {"up": 1, "late": 0}


async def test_a_source_that_answers_but_lets_nothing_be_read_is_not_ready(role: str, queue: AsyncConnection) -> None:
    await queue.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA ascent FROM {urlsplit(role).username}")
    async with serving(DATABASE_URL=role) as exporter:
        async with asyncio.timeout(PATIENCE):
            while "jobqueue_collector_duration" not in (await exporter.get("/metrics"))[1]:
                await asyncio.sleep(0.05)
        status, text = await exporter.get("/readyz")

    assert (status, text) == (503, "not read lately: main\n")


async def test_the_index_lists_every_collector_and_what_is_not_served_is_refused(migrated: str) -> None:
    async with serving(DATABASE_URL=migrated) as exporter, ClientSession(exporter.address) as client:
        await exporter.until("/readyz", 200)
        status, index = await exporter.get("/")
        unknown, _ = await exporter.get("/metric")
        async with client.post("/metrics") as response:
            posted = response.status

    assert (status, unknown, posted) == (200, 404, 405)
    pollers = SourceMonitor(source(migrated), lambda: None).pollers
    assert [poller.name for poller in pollers if f"<td>main<td>{poller.name}<td>" not in index] == []


async def test_once_prints_one_page_and_ends(queue: AsyncConnection, migrated: str) -> None:
    await populate(queue)

    ended = await run("--once", DATABASE_URL=migrated)

    assert ended.code == 0
    assert up(ended.output) == {"main": 1}
    assert 'jobqueue_jobs{job_type="email.send",source="main",state="completed"} 1.0\n' in ended.output


async def test_once_prints_what_could_be_read_and_fails_when_something_could_not(
    queue: AsyncConnection, migrated: str, configured: Configured
) -> None:
    await populate(queue)

    ended = await run("--once", **configured(main=migrated, down=NOWHERE))

    assert ended.code == 1
    assert up(ended.output) == {"main": 1, "down": 0}
    assert 'jobqueue_jobs{job_type="email.send",source="main",state="completed"} 1.0\n' in ended.output


async def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = await run(DATABASE_URL=NOWHERE, EXPORTER_HOST="127.0.0.1", EXPORTER_PORT=str(port))

    assert ended.code == 1
    [line] = ended.errors.splitlines()
    assert line.startswith(f"python -m exporter: can't listen on 127.0.0.1:{port}: ")


@pytest.mark.parametrize("option", [(), ("--once",), ("--check",)])
async def test_a_wrong_configuration_is_said_in_one_line(option: tuple[str, ...]) -> None:
    ended = await run(*option, DATABASE_URL=NOWHERE, QUEUE_ENGINE="rabbit")

    assert (ended.code, ended.output) == (2, "")
    [line] = ended.errors.splitlines()
    assert "QUEUE_ENGINE" in line
    assert "rabbit" in line
    assert "ascent" in line


async def test_what_a_library_logs_is_an_event_like_any_other() -> None:
    async with serving(DATABASE_URL=NOWHERE, LOG_LEVEL="debug") as exporter:
        await exporter.get("/healthz")

    [line] = [line for line in exporter.log if line.get("logger") == "asyncio"]
    assert line["level"] == "debug"
    assert line["event"].startswith("Using selector")


async def test_a_message_that_cannot_be_read_is_one_line_in_the_log() -> None:
    request = b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: many\r\n\r\n"
    async with serving(DATABASE_URL=NOWHERE) as exporter, said(exporter, request) as answer:
        status = await answer.readline()

    assert b" 400 " in status
    [line] = [line for line in exporter.log if line["event"] == "message.unreadable"]
    assert {**line, "timestamp": ""} == {
        "event": "message.unreadable",
        "level": "warning",
        "timestamp": "",
        "client": "127.0.0.1",
        "error": "BadHttpMessage",
    }


async def test_a_password_is_never_shown_whatever_goes_wrong(
    queue: AsyncConnection, role: str, server: Server, configured: Configured
) -> None:
    parts = urlsplit(role)
    await queue.execute(f"ALTER ROLE {parts.username} PASSWORD '{PASSWORD}'")
    place = parts.netloc.rpartition("@")[2]
    well = parts._replace(netloc=f"{parts.username}:{PASSWORD}@{place}")
    wrong = {
        "port": well._replace(netloc=f"{parts.username}:{PASSWORD}@127.0.0.1:1"),
        "role": well._replace(netloc=f"nobody-here:{PASSWORD}@{place}"),
        "database": well._replace(path="/not-there"),
        "tables": well._replace(path=urlsplit(server.url("postgres")).path),
    }
    addresses = {name: address.geturl() for name, address in {"well": well, **wrong}.items()}
    owner = server.url(parts.path[1:])
    assert (await run("migrate", module="jobqueue", DATABASE_URL=owner, SOURCE_NAME="well")).code == 0
    variables = {**configured(**addresses), "LOG_LEVEL": "debug"}

    async with serving(**variables) as exporter:
        failed = "collector.failed"
        await until(lambda: {*wrong} <= {line["source"] for line in exporter.log if line["event"] == failed})
        pages = [(await exporter.get(path))[1] for path in ("/", "/metrics", "/readyz")]
        await exporter.terminate(within=5)
    once, check = await run("--once", **variables), await run("--check", **variables)

    assert all(isinstance(line["event"], str) and line["level"] in LEVELS for line in exporter.log)
    assert up(once.output) == {"well": 1, "port": 0, "role": 0, "database": 0, "tables": 1}
    assert "well: ok" in check.output
    for shown in (json.dumps(exporter.log), *pages, once.output, once.errors, check.output, check.errors):
        assert shown
        assert PASSWORD not in shown
