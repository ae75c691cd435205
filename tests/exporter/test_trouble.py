"""Why a source can't be read is one of a few reasons, each provoked in a real PostgreSQL; and since when."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import time
from urllib.parse import urlsplit

import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

import exporter.database as exporter_database
import jobqueue.session
from demo.postgres import EmbeddedPostgres
from jobqueue import catalogue as metrics
from jobqueue.reasons import Reason
from tests.conftest import Server
from tests.exporter.read_only import forbid_writing
from tests.exporter.scrape import Scrape, Watch, source
from tests.exporter.wire import Wire

QUEUE = {"server", "schedules", "workers", "active", "ready", "runs", "live", "finished"}
READER = "who_reads"

Provoke = Callable[[AsyncConnection, str], Awaitable[str]]
"""Makes the trouble in a database, and says at which address it is met."""


@pytest.fixture(autouse=True)
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter_database, "_REFUSED_FOR_SECONDS", 0.0)
    monkeypatch.setattr(exporter_database, "CONNECT_TIMEOUT_SECONDS", 2)


@pytest.fixture
async def admin(address: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        yield conn


@pytest.fixture
async def reader(admin: AsyncConnection, address: str) -> AsyncIterator[str]:
    """The address for a role that may read everything."""
    await admin.execute(f"CREATE ROLE {READER} LOGIN; GRANT pg_read_all_data TO {READER}")
    yield as_user(address, READER)
    await admin.execute(f"DROP OWNED BY {READER}; DROP ROLE {READER}")


def as_user(address: str, user: str) -> str:
    parts = urlsplit(address)
    return parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()


def why(page: Scrape) -> str | None:
    """The reason that the page gives for the source, which it gives once or not at all."""
    reasons = [labels["reason"] for labels, value in page.select(metrics.UNREADABLE) if value == 1]
    assert len(reasons) < 2, reasons
    return reasons[0] if reasons else None


def failing(page: Scrape) -> dict[str, str]:
    """The reason of each collector that fails."""
    found = {labels["collector"]: labels["reason"] for labels, _ in page.select(metrics.COLLECTOR_FAILING)}
    unsuccessful = {name for name, success in page.by("collector", metrics.COLLECTOR_SUCCESS).items() if not success}
    assert found.keys() == unsuccessful
    return found


async def no_such_host(_: AsyncConnection, address: str) -> str:
    return urlsplit(address)._replace(netloc="postgres@nowhere.invalid").geturl()


async def no_such_database(_: AsyncConnection, address: str) -> str:
    return urlsplit(address)._replace(path="/authentication").geturl()


async def no_tls(_: AsyncConnection, address: str) -> str:
    return f"{address}?sslmode=require"


async def no_such_role(_: AsyncConnection, address: str) -> str:
    return as_user(address, "ssl")


async def wrong_password(conn: AsyncConnection, address: str) -> str:
    """For a role of its own: the rule stays in the server."""
    row = await (await conn.execute("SHOW hba_file")).fetchone()
    assert row
    file = Path(row[0])
    rules = file.read_text()  # noqa: ASYNC240 -- nothing else runs here
    file.write_text(f"host all locked_out 127.0.0.1/32 scram-sha-256\n{rules}")  # noqa: ASYNC240
    await conn.execute("CREATE ROLE locked_out LOGIN PASSWORD 'right'")
    await conn.execute("SELECT pg_reload_conf()")
    return as_user(address, "locked_out:wrong")


async def may_not_connect(conn: AsyncConnection, address: str) -> str:
    await conn.execute(SQL("REVOKE CONNECT ON DATABASE {} FROM public").format(Identifier(conn.info.dbname)))
    return as_user(address, READER)


async def may_not_read(conn: AsyncConnection, address: str) -> str:
    await conn.execute(f"REVOKE pg_read_all_data FROM {READER}")
    return as_user(address, READER)


async def no_tables(conn: AsyncConnection, address: str) -> str:
    await conn.execute("DROP SCHEMA ascent CASCADE")
    return address


async def other_tables(conn: AsyncConnection, address: str) -> str:
    for table in ("jobs", "schedules", "workers"):
        columns = await conn.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [f"ascent.{table}"],
        )
        for (column,) in await columns.fetchall():
            old, new = Identifier(column), Identifier(f"{column}_of_tomorrow")
            await conn.execute(SQL("ALTER TABLE ascent.{} RENAME {} TO {}").format(Identifier(table), old, new))
    return address


async def too_many_of_a_role(conn: AsyncConnection, address: str) -> str:
    await conn.execute(f"ALTER ROLE {READER} CONNECTION LIMIT 0")
    return as_user(address, READER)


async def not_accepting(conn: AsyncConnection, address: str) -> str:
    name = Server(address).create_database()
    await conn.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(name)))
    return Server(address).url(name)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("provoke", "reason"),
    [
        (no_such_host, Reason.NAME),
        (no_such_database, Reason.NAME),
        (no_tls, Reason.TLS),
        (no_such_role, Reason.AUTHENTICATION),
        (wrong_password, Reason.AUTHENTICATION),
        (may_not_connect, Reason.PERMISSION),
        (may_not_read, Reason.PERMISSION),
        (no_tables, Reason.MISSING_TABLE),
        (other_tables, Reason.WRONG_VERSION),
        (too_many_of_a_role, Reason.TOO_MANY_CONNECTIONS),
        (not_accepting, Reason.REFUSED),
    ],
)
async def test_a_source_that_cant_be_read_says_why(
    admin: AsyncConnection, address: str, watch: Watch, provoke: Provoke, reason: Reason
) -> None:
    page = await watch(source(await provoke(admin, address))).poll()

    assert why(page) == reason
    assert failing(page).keys() >= QUEUE


async def test_a_server_that_is_stopped_refuses(postgres: EmbeddedPostgres, address: str, watch: Watch) -> None:
    exporter = watch(source(address))
    read = await exporter.poll()
    read_until = max(read.by("collector", metrics.COLLECTOR_LAST_SUCCESS).values())
    postgres.stop()
    down = await exporter.poll(rounds=2)
    postgres.start_again()
    again = await exporter.poll(rounds=2)

    assert why(down) == Reason.REFUSED
    assert set(failing(down).values()) <= {Reason.REFUSED, Reason.OTHER}
    assert read_until - 1 < (down.value(metrics.UNREADABLE_SINCE) or 0) <= read_until
    assert why(read) is why(again) is None
    assert again.select(metrics.UNREADABLE_SINCE) == again.select(metrics.COLLECTOR_FAILING) == []


async def test_a_source_that_was_never_read_says_since_when_that_was_tried(
    postgres: EmbeddedPostgres, address: str, watch: Watch
) -> None:
    postgres.stop()
    began = time()
    exporter = watch(source(address))
    first = (await exporter.poll()).value(metrics.UNREADABLE_SINCE)
    second = (await exporter.poll()).value(metrics.UNREADABLE_SINCE)

    assert first is not None
    assert first == second
    assert began <= first <= time()


async def test_a_server_that_says_nothing_is_a_timeout(address: str, watch: Watch) -> None:
    async with Wire(address).strung() as wire:
        wire.alive.clear()
        page = await watch(source(wire.address)).poll()

    assert why(page) == Reason.TIMEOUT


async def test_a_server_that_is_too_old_is_a_wrong_version(
    address: str, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobqueue.session, "OLDEST", 99)

    assert why(await watch(source(address)).poll()) == Reason.WRONG_VERSION


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("SELECT quick.* FROM ascent.quick AS quick, pg_sleep(60)", Reason.TIMEOUT),
        ("SELECT quick.* FROM ascent.quick AS quick WHERE 1 / (SELECT 0) = 1", Reason.OTHER),
        (
            "SELECT quick.* FROM ascent.quick AS quick WHERE convert_from('\\xff', 'UTF8') = 'text'",
            Reason.ENCODING,
        ),
    ],
)
async def test_what_one_collector_alone_cant_read_is_its_own_and_not_the_sources(
    admin: AsyncConnection, address: str, watch: Watch, trouble: str, reason: Reason
) -> None:
    await admin.execute("ALTER TABLE ascent.schedules RENAME TO quick")
    await admin.execute(f"CREATE VIEW ascent.schedules AS {trouble}".encode())
    page = await watch(source(address, statement_timeout=0.3)).poll()

    assert why(page) is None
    assert failing(page) == {"schedules": reason}


async def test_a_table_that_is_locked_is_a_timeout(admin: AsyncConnection, address: str, watch: Watch) -> None:
    async with admin.transaction():
        await admin.execute("LOCK TABLE ascent.workers IN ACCESS EXCLUSIVE MODE")
        page = await watch(source(address, statement_timeout=0.3)).poll()

    assert failing(page)["workers"] == Reason.TIMEOUT
    assert why(page) is None


async def test_counts_that_cant_be_kept_say_why(admin: AsyncConnection, address: str, watch: Watch) -> None:
    await forbid_writing(admin)
    page = await watch(source(address)).poll(rounds=2)

    assert failing(page) == {"store": Reason.READ_ONLY}
    assert why(page) is None


async def test_no_text_of_a_server_is_a_label(admin: AsyncConnection, address: str, watch: Watch) -> None:
    await admin.execute("ALTER TABLE ascent.schedules RENAME TO quick")
    await admin.execute(
        "CREATE FUNCTION ascent.fail() RETURNS boolean LANGUAGE plpgsql AS "
        "$$BEGIN RAISE 'connection refused by a secret' USING ERRCODE = 'XX777'; END$$"
    )
    await admin.execute("CREATE VIEW ascent.schedules AS SELECT * FROM ascent.quick WHERE ascent.fail()")
    await admin.execute("INSERT INTO ascent.quick (job_type, cron) VALUES ('email.send', '0 6 * * *')")
    exporter = watch(source(address))
    page = await exporter.poll()

    assert failing(page) == {"schedules": Reason.OTHER}
    assert not re.search("secret|XX777", await exporter.text())
