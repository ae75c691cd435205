"""Behind the real pgbouncer, in either mode, every figure is read and every run is counted once."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import ProtocolViolation

from exporter.trouble import reason_of
from jobqueue import catalogue as metrics
from jobqueue.reasons import Reason
from tests.exporter.process import run
from tests.exporter.rows import populate
from tests.exporter.scrape import Scrape, Watch, source
from tests.exporter.work import Work
from tests.pgbouncer import MODES, pooled

SETTINGS = {
    "as it comes": {},
    "resets each session after each transaction": {
        "server_reset_query": "DISCARD ALL",
        "server_reset_query_always": "1",
    },
    "a new session for every client": {"server_lifetime": "0"},
}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def behind(migrated: str, mode: str) -> AsyncIterator[str]:
    async with pooled(migrated, mode) as address:
        yield address


@pytest.mark.parametrize("settings", SETTINGS)
async def test_everything_is_read_and_counted_once(
    migrated: str, queue: AsyncConnection, watch: Watch, mode: str, settings: str
) -> None:
    work = Work(migrated)
    async with pooled(migrated, mode, **SETTINGS[settings]) as behind:
        exporter = watch(source(behind))
        await exporter.poll()
        for _ in range(4):
            await work.goes_on()
            page = await exporter.poll()
            assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {1.0}
        work.assert_counted(page)
        await work.assert_kept()


async def test_once_and_check_work(migrated: str, queue: AsyncConnection, behind: str) -> None:
    await populate(queue)
    once = await run("--once", DATABASE_URL=behind)
    checked = await run("--check", DATABASE_URL=behind)

    assert (once.code, once.output.count("jobqueue_collector_success{")) == (0, 9)
    assert checked.output == (await run("--check", DATABASE_URL=migrated)).output


async def test_its_sessions_are_left_as_they_were(behind: str, watch: Watch) -> None:
    query = "SELECT name, setting FROM pg_settings WHERE source IN ('session', 'interactive') AND name <> ALL (%s)"
    told = [
        "application_name",
        "client_encoding",
        "transaction_isolation",
        "transaction_read_only",
        "TimeZone",
        "DateStyle",
        "standard_conforming_strings",
        "IntervalStyle",
        "search_path",
        "default_transaction_read_only",
        "in_hot_standby",
    ]
    await watch(source(behind)).poll()
    with psycopg.connect(behind, autocommit=True) as conn:
        for _ in range(3):
            assert conn.execute(query, (told,)).fetchall() == []


def reasons(page: Scrape) -> set[str]:
    return {labels["reason"] for labels, _ in page.select(metrics.UNREADABLE)}


async def test_a_pooler_that_takes_no_more_clients_says_so(migrated: str, watch: Watch, mode: str) -> None:
    async with (
        pooled(migrated, mode, max_client_conn="1") as behind,
        await AsyncConnection.connect(behind, autocommit=True),
    ):
        page = await watch(source(behind)).poll()

    assert reasons(page) == {Reason.TOO_MANY_CONNECTIONS}


async def test_a_pooler_without_a_free_session_says_so(migrated: str, watch: Watch, mode: str) -> None:
    async with (
        pooled(migrated, mode, default_pool_size="1", query_wait_timeout="1") as behind,
        await AsyncConnection.connect(behind) as conn,
    ):
        await conn.execute("SELECT 1")  # its transaction stays open
        page = await watch(source(behind)).poll()

    assert reasons(page) == {Reason.TOO_MANY_CONNECTIONS}


async def test_a_pooler_whose_server_is_down_keeps_its_clients_waiting(watch: Watch, mode: str) -> None:
    async with pooled("postgresql://postgres@127.0.0.1:1/app", mode) as behind:
        page = await watch(source(behind)).poll()

    assert reasons(page) == {Reason.TIMEOUT}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("pgbouncer cannot connect to server", Reason.REFUSED),
        ("server login has been failing, try again later (server_login_retry)", Reason.REFUSED),
        ("client_login_timeout (server down)", Reason.REFUSED),
        ("client_login_timeout", Reason.TIMEOUT),
        ("query_timeout", Reason.TIMEOUT),
        ("query_wait_timeout", Reason.TOO_MANY_CONNECTIONS),
        ("no more connections allowed (max_client_conn)", Reason.TOO_MANY_CONNECTIONS),
        ("no such user: monitor", Reason.AUTHENTICATION),
        ("no such database: app", Reason.NAME),
    ],
)
def test_what_pgbouncer_says_has_its_reason_at_the_login_and_later(said: str, reason: Reason) -> None:
    assert reason_of(OperationalError(f"connection failed: FATAL: {said}")) == reason
    assert reason_of(ProtocolViolation(said)) == reason


async def test_a_pooler_that_has_no_such_database_says_so(migrated: str, watch: Watch, mode: str) -> None:
    async with pooled(f"{migrated}x", mode, server_login_retry="60") as behind:
        assert reasons(await watch(source(behind)).poll()) == {Reason.NAME}
