"""``python -m exporter``: what it serves, how it ends, and what it says when something is wrong."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from psycopg import AsyncConnection

from demo.postgres import EmbeddedPostgres
from exporter.check import MIGRATE, check
from jobqueue import catalogue as metrics
from jobqueue.config import Source
from tests.exporter.process import run, serving
from tests.exporter.rows import finish, job, populate, put
from tests.exporter.scrape import source
from tests.exporter.wire import Wire

NOWHERE = "postgresql://postgres@127.0.0.1:1/nowhere"
SLOW = "CREATE VIEW ascent.{table} AS SELECT quick.* FROM ascent.quick_{table} AS quick, pg_sleep(60)"

Configured = Callable[..., dict[str, str]]


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


async def test_it_serves_until_it_is_told_to_end(queue: AsyncConnection, migrated: str) -> None:
    await populate(queue)
    async with serving(DATABASE_URL=migrated) as exporter:
        await exporter.until("/readyz", 200)
        status, text = await exporter.get("/metrics")
        code = await exporter.terminate(within=5)

    assert (status, code) == (200, 0)
    assert f'{metrics.UP.name}{{source="main"}} 1.0\n' in text
    assert exporter.log[-1]["event"] == "exporter.ended"
    assert not [line for line in exporter.log if line["level"] == "error"]


async def test_it_ends_at_once_while_a_query_runs(
    queue: AsyncConnection, migrated: str, configured: Configured
) -> None:
    await queue.execute("ALTER TABLE ascent.workers RENAME TO quick_workers")
    await queue.execute(SLOW.format(table="workers").encode())
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    async with serving(**configured(main=migrated, statement_timeout=60.0)) as exporter:
        async with asyncio.timeout(10):
            while (await (await queue.execute(sleeping)).fetchone()) == (0,):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        healthy = await exporter.get("/healthz")
        code = await exporter.terminate(within=5)

    assert healthy == (200, "ok\n")
    assert code == 0


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


async def test_it_is_ready_while_every_source_is_read(
    postgres: EmbeddedPostgres, address: str, migrated: str, configured: Configured
) -> None:
    async with Wire(address).strung() as wire:
        wire.alive.clear()
        async with serving(**configured(up=migrated, late=wire.address)) as exporter:
            not_yet = await exporter.until("/readyz", 503)
            healthy = await exporter.get("/healthz")
            wire.alive.set()
            ready = await exporter.until("/readyz", 200)
            index = await exporter.get("/")
            postgres.stop()
            gone = await exporter.until("/readyz", 503)
            still_healthy = await exporter.get("/healthz")
            _, text = await exporter.get("/metrics")

    assert "late" in not_yet
    assert ready == "ok\n"
    assert gone == "not read lately: late\n"
    assert healthy == still_healthy == (200, "ok\n")
    assert index[0] == 200
    assert all(f"<td>{word}" in index[1] for word in ("up", "late", "runs", "ok"))
    assert 'jobqueue_up{source="late"} 0.0\n' in text
    assert 'jobqueue_up{source="up"} 1.0\n' in text


async def test_a_source_that_answers_but_lets_nothing_be_read_is_not_ready(role: str, queue: AsyncConnection) -> None:
    await queue.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA ascent FROM {urlsplit(role).username}")
    async with serving(DATABASE_URL=role) as exporter:
        async with asyncio.timeout(10):
            while "jobqueue_collector_duration" not in (await exporter.get("/metrics"))[1]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        status, text = await exporter.get("/readyz")

    assert (status, text) == (503, "not read lately: main\n")


async def test_once_prints_one_page_and_ends(queue: AsyncConnection, migrated: str) -> None:
    await populate(queue)

    ended = await run("--once", DATABASE_URL=migrated)

    assert ended.code == 0
    assert 'jobqueue_jobs{job_type="email.send",source="main",state="completed"} 1.0\n' in ended.output
    assert 'jobqueue_up{source="main"} 1.0\n' in ended.output


async def test_once_prints_what_could_be_read_and_fails_when_something_could_not(
    queue: AsyncConnection, migrated: str, configured: Configured
) -> None:
    await populate(queue)

    ended = await run("--once", **configured(main=migrated, down=NOWHERE))

    assert ended.code == 1
    assert 'jobqueue_up{source="main"} 1.0\n' in ended.output
    assert 'jobqueue_up{source="down"} 0.0\n' in ended.output
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


async def checked(source: Source) -> tuple[bool, list[str], list[str]]:
    """Whether all is well, what is said, and what is said to mend it."""
    lines: list[str] = []
    good = await check([source], lines.append)
    mends = [line.removeprefix("    ") for line in lines if line.startswith("    ")]
    return good, [line for line in lines if not line.startswith("    ")], mends


async def mend(owner: AsyncConnection, address: str, commands: list[str]) -> None:
    """Do what was said, to the letter."""
    for command in commands:
        if command == MIGRATE:
            assert (await run("migrate", module="jobqueue", DATABASE_URL=address)).code == 0
        else:
            await owner.execute(command.encode())


async def test_check_finds_nothing_where_all_is_well(role: str) -> None:
    assert await checked(source(role)) == (True, ["main: ok"], [])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP INDEX ascent.jobs_live", "no index on ascent.jobs (state, job_type, run_after)"),
        ("DROP INDEX ascent.jobs_finished", "no index on ascent.jobs (state, finished_at)"),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ascent.jobs_finished'::regclass",
            "index jobs_finished is invalid",
        ),
        (
            """ALTER INDEX ascent.jobs_live RENAME TO "Live Jobs";
               UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ascent."Live Jobs"'::regclass""",
            "index Live Jobs is invalid",
        ),
        ("REVOKE SELECT ON ascent.workers FROM {role}", "can't read workers.id, "),
        ("REVOKE SELECT (retries) ON ascent.jobs FROM {role}", "can't read jobs.retries"),
        ("REVOKE USAGE ON SCHEMA ascent FROM {role}", "can't read jobs.id, "),
        ("REVOKE INSERT ON system_status.run_minutes FROM {role}", "can't write our counting tables"),
        ("REVOKE UPDATE ON system_status.sources FROM {role}", "can't write our counting tables"),
        ("REVOKE ALL ON system_status.migrations FROM {role}", "can't write our counting tables"),
        ("REVOKE USAGE ON SCHEMA system_status FROM {role}", "can't write our counting tables"),
        ("ALTER TABLE ascent.jobs ENABLE ROW LEVEL SECURITY", "row-level security hides rows of ascent.jobs"),
        ("DROP VIEW system_status.recent_jobs", "view system_status.recent_jobs isn't there"),
    ],
)
async def test_check_says_what_is_wrong_and_what_it_says_mends_it(
    queue: AsyncConnection, migrated: str, role: str, damage: str, said: str
) -> None:
    await queue.execute(damage.format(role=urlsplit(role).username).encode())

    good, problems, mends = await checked(source(role))

    assert not good
    assert problems[0] == "main: 1 to mend"
    assert said in problems[1]
    assert len(problems) == 2

    await mend(queue, migrated, mends)
    assert await checked(source(role)) == (True, ["main: ok"], [])


async def test_check_says_that_our_tables_are_missing_and_how_they_are_made(
    database: str, conn: AsyncConnection
) -> None:
    good, problems, mends = await checked(source(database))

    assert not good
    assert "schema system_status isn't there" in "\n".join(problems)
    assert set(mends) == {MIGRATE}

    await mend(conn, database, mends)
    assert (await checked(source(database)))[0]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP TABLE ascent.workers", "table ascent.workers isn't there"),
        ("ALTER SCHEMA ascent RENAME TO queue", "table ascent.jobs isn't there: wrong database, or set QUEUE_SCHEMA"),
        ("ALTER TABLE ascent.jobs RENAME retries TO attempts", "column ascent.jobs.retries isn't there"),
        ("INSERT INTO ascent.schedules (job_type, cron) VALUES ('bad one', '61 * * * *')", "schedule 'bad one': "),
        (
            "INSERT INTO ascent.schedules (job_type, cron, timezone) VALUES ('lost', '@daily', 'Mars')",
            "schedule 'lost': timezone 'Mars'",
        ),
    ],
)
async def test_check_names_what_a_person_has_to_decide(
    queue: AsyncConnection, migrated: str, damage: str, said: str
) -> None:
    await queue.execute("DROP VIEW system_status.recent_jobs CASCADE")
    await queue.execute("CREATE VIEW system_status.recent_jobs AS SELECT 1 AS nothing")
    await queue.execute(damage.encode())

    good, problems, mends = await checked(source(migrated))

    assert not good
    assert said in "\n".join(problems)
    assert mends == []


async def test_check_names_a_store_that_cannot_be_written(queue: AsyncConnection, migrated: str) -> None:
    await queue.execute(f'ALTER DATABASE "{queue.info.dbname}" SET default_transaction_read_only = on')

    good, problems, _ = await checked(source(migrated))

    assert not good
    assert "read-only here" in "\n".join(problems)


async def test_check_ends_with_0_when_all_is_well_and_1_when_not(
    migrated: str, queue: AsyncConnection, configured: Configured
) -> None:
    await put(queue, "jobs", job_type="email.send")
    await finish(queue, [job()])

    well = await run("--check", DATABASE_URL=migrated)
    ill = await run("--check", **configured(main=migrated, down=NOWHERE))

    assert (well.code, well.output) == (0, "main: ok\n")
    assert ill.code == 1
    main, down, *why = ill.output.splitlines()
    assert main == "main: ok"
    assert down == "down: 2 to mend"
    assert why[0].startswith("  queue: connection failed: ")
    assert why[1].startswith("  store: connection failed: ")
