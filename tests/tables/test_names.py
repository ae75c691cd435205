"""A source's name stands for one queue: no second queue is counted, shown or acted on under it, and nothing is lost."""

import asyncio

import psycopg
import pytest
from psycopg import AsyncConnection, sql
from pydantic import SecretStr

from control_api.actions import Action
from control_api.problems import NotPossible
from jobqueue.config import Source
from jobqueue.engines import ENGINES, open_engine
from jobqueue.tables.connection import MigrationError
from jobqueue.tables.migrate import migrate
from tests.conftest import SCHEMA, Server
from tests.control_api.test_desk import a_desk, order
from tests.exporter.process import run
from tests.exporter.rows import finish, job
from tests.exporter.scrape import Exporter, Scrape, source

OTHER = "second"
"""A schema with another queue of the same engine."""


def quietly(line: str) -> None:
    pass


@pytest.fixture
async def two_queues(migrated: str) -> str:
    """A database with two Ascent queues: of one two runs are counted as ``main``, of the other five by nobody yet."""
    async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
        await finish(conn, [job() for _ in range(5)])
        await conn.execute("DROP VIEW system_status.recent_jobs")
        await conn.execute(f"ALTER SCHEMA ascent RENAME TO {OTHER}".encode())
        await conn.execute(SCHEMA.read_bytes())
        await finish(conn, [job() for _ in range(2)])
    migrate([source(migrated)], quietly)
    await polled(source(migrated))
    return migrated


async def polled(*sources: Source) -> Scrape:
    """What an exporter of these sources shows after two rounds."""
    exporter = Exporter(*sources)
    try:
        return await exporter.poll(rounds=2)
    finally:
        await exporter.close()


def runs(page: Scrape, name: str) -> float | None:
    return page.value("jobqueue_last24h_runs", source=name, job_type="email.send")


async def test_a_second_queue_under_a_name_that_is_taken_is_refused_whole(two_queues: str) -> None:
    page = await polled(source(two_queues, schema=OTHER))

    assert page.value("jobqueue_source_unreadable_info", source="main", reason="identity") == 1
    assert set(page.by("collector", "jobqueue_collector_success").values()) == {0.0}
    assert page.select("jobqueue_jobs") == page.select("jobqueue_source_info") == []
    assert runs(await polled(source(two_queues)), "main") == 2


async def test_two_queues_of_one_database_are_counted_under_two_names(two_queues: str) -> None:
    page = await polled(source(two_queues), source(two_queues, OTHER, schema=OTHER))

    assert (runs(page, "main"), runs(page, OTHER)) == (2, 5)


async def test_of_two_queues_that_take_one_name_at_the_same_moment_one_gets_it(two_queues: str) -> None:
    pages = await asyncio.gather(
        polled(source(two_queues, "new")), *(polled(source(two_queues, "new", schema=OTHER)) for _ in range(2))
    )

    ups = [page.value("jobqueue_source_unreadable_info", source="new", reason="identity") for page in pages]
    assert ups in ([None, 1, 1], [1, None, None])


async def test_the_log_says_which_queue_has_the_name_and_what_to_do(two_queues: str) -> None:
    ended = await run("--once", DATABASE_URL=two_queues, QUEUE_SCHEMA=OTHER, LOG_FORMAT="json")

    assert ended.code == 1
    assert "stands for the ascent queue in schema ascent of the same database" in ended.errors
    for way in ("SOURCE_NAME", "migrate --moved main", "migrate --forget main"):
        assert way in ended.errors


async def test_an_environment_names_its_source(two_queues: str) -> None:
    ended = await run("--once", DATABASE_URL=two_queues, QUEUE_SCHEMA=OTHER, SOURCE_NAME="mine")

    assert ended.code == 0
    assert 'jobqueue_up{source="mine"} 1.0' in ended.output


async def test_an_exporter_that_runs_while_its_name_is_forgotten_counts_no_further_under_it(two_queues: str) -> None:
    exporter = Exporter(source(two_queues))
    try:
        await exporter.poll(rounds=2)
        migrate([source(two_queues, schema=OTHER)], quietly, forgotten=["main"])
        page = await exporter.poll(rounds=2)
    finally:
        await exporter.close()

    assert page.value("jobqueue_source_unreadable_info", source="main", reason="identity") == 1
    assert runs(await polled(source(two_queues, schema=OTHER)), "main") == 5


@pytest.mark.parametrize("between", [False, True])
async def test_an_exporter_whose_name_is_forgotten_and_its_own_again_counts_anew(
    two_queues: str, between: bool
) -> None:
    exporter = Exporter(source(two_queues))
    try:
        await exporter.poll(rounds=2)
        migrate([source(two_queues, schema=OTHER)], quietly, forgotten=["main"])
        if between:
            await exporter.poll()
        migrate([source(two_queues)], quietly, forgotten=["main"])
        page = await exporter.poll(rounds=3)
    finally:
        await exporter.close()
    with psycopg.connect(two_queues) as conn:
        kept = conn.execute("SELECT sum(runs) FROM system_status.run_minutes WHERE source = 'main'").fetchone()

    assert runs(page, "main") == 2
    assert kept == (2,)


async def test_a_refused_exporter_goes_on_by_itself_once_its_name_is_free(two_queues: str) -> None:
    exporter = Exporter(source(two_queues, schema=OTHER))
    try:
        assert runs(await exporter.poll(rounds=2), "main") is None
        migrate([source(two_queues, schema=OTHER)], quietly, forgotten=["main"])
        assert runs(await exporter.poll(rounds=2), "main") == 5
    finally:
        await exporter.close()


async def test_a_queue_that_moved_keeps_what_was_counted(two_queues: str) -> None:
    with psycopg.connect(two_queues) as conn:
        conn.execute("ALTER SCHEMA ascent RENAME TO renamed")
    with pytest.raises(MigrationError, match="--moved main"):
        migrate([source(two_queues, schema="renamed")], quietly)
    migrate([source(two_queues, schema="renamed")], quietly, moved=["main"])
    with psycopg.connect(two_queues) as conn:
        conn.execute("DELETE FROM renamed.jobs")

    assert runs(await polled(source(two_queues, schema="renamed")), "main") == 2


async def test_a_restored_copy_goes_on_under_its_names_without_a_word(two_queues: str, server: Server) -> None:
    copy = server.create_database(two_queues.rpartition("/")[2])
    try:
        assert runs(await polled(source(server.url(copy))), "main") == 2
    finally:
        server.drop_database(copy)


async def test_two_databases_that_share_one_store_need_two_names(two_queues: str, database: str) -> None:
    await polled(source(two_queues, "shared", store_dsn=SecretStr(two_queues)))
    page = await polled(source(database, "shared", store_dsn=SecretStr(two_queues)))

    assert page.value("jobqueue_source_unreadable_info", source="shared", reason="identity") == 1


async def test_the_control_api_acts_on_no_queue_under_another_ones_name(two_queues: str) -> None:
    async with a_desk(two_queues, schema=OTHER) as desk:
        with pytest.raises(NotPossible, match="SOURCE_NAME"):
            await desk.act(order(Action.JANITOR))
        asked = await desk.ask("main", Action.JANITOR)
        [reason] = (await desk.ready()).values()

    assert "stands for the ascent queue in schema ascent" in (asked.kept_by or "")
    assert "stands for the ascent queue in schema ascent" in (reason or "")


@pytest.fixture
def spelt(migrated: str) -> tuple[str, str]:
    """Two connection strings that lead to one database."""
    return migrated, psycopg.conninfo.make_conninfo(migrated, application_name="other")


def shown(address: str) -> set[str]:
    """The sources that the view shows the jobs of."""
    with psycopg.connect(address) as conn:
        for schema in ("ascent", OTHER):
            if conn.execute("SELECT to_regnamespace(%s)", [schema]).fetchone() != (None,):
                insert = sql.SQL("INSERT INTO {}.jobs (job_type) VALUES ('shown')").format(sql.Identifier(schema))
                conn.execute(insert)
        found = conn.execute("SELECT DISTINCT source FROM system_status.recent_jobs").fetchall()
        conn.rollback()
    return {name for (name,) in found}


def test_sources_of_one_database_share_its_view_however_their_addresses_are_spelt(spelt: tuple[str, str]) -> None:
    one, other = spelt

    migrate([source(one), source(other, "again")], quietly)

    assert shown(one) == {"main", "again"}


async def test_migrating_for_a_second_queue_leaves_the_first_ones_part_of_the_view(two_queues: str) -> None:
    migrate([source(two_queues, OTHER, schema=OTHER)], quietly)

    assert shown(two_queues) == {"main", OTHER}


async def test_a_queue_that_is_gone_leaves_the_view_with_a_word_and_a_way_to_forget_it(two_queues: str) -> None:
    migrate([source(two_queues, OTHER, schema=OTHER)], quietly)
    with psycopg.connect(two_queues) as conn:
        conn.execute("DROP VIEW system_status.recent_jobs")
        conn.execute("DROP SCHEMA ascent CASCADE")
    said: list[str] = []

    migrate([source(two_queues, OTHER, schema=OTHER)], said.append)
    assert any("main: left out of view recent_jobs" in line and "--forget main" in line for line in said)
    migrate([source(two_queues, OTHER, schema=OTHER)], said.append, forgotten=["main"])

    assert said[-1] == "main: forgotten"
    assert shown(two_queues) == {OTHER}
    with psycopg.connect(two_queues) as conn:
        assert conn.execute("SELECT count(*) FROM system_status.run_minutes WHERE source = 'main'").fetchone() == (0,)


@pytest.mark.parametrize("how", [{"moved": ["nobody"]}, {"forgotten": ["nobody"]}])
def test_a_name_that_is_not_known_is_neither_moved_nor_forgotten(migrated: str, how: dict[str, list[str]]) -> None:
    with pytest.raises(MigrationError, match="nobody"):
        migrate([source(migrated)], quietly, **how)


@pytest.mark.parametrize("option", ["--moved", "--forget"])
async def test_no_name_is_passed_over_in_silence_beside_another_option(migrated: str, option: str) -> None:
    ended = await run("migrate", "--remove-recorder", option, "main", module="jobqueue", DATABASE_URL=migrated)

    assert (ended.code, ended.output) == (1, "")
    assert "without it" in ended.errors


@pytest.mark.parametrize("engine", ["pgboss", "oban", "river"])
def test_the_wrong_engine_changes_nothing_and_hears_which_queues_there_are(database: str, engine: str) -> None:
    with pytest.raises(MigrationError, match=f"no {engine} queue in schema .*Found here: ascent in schema ascent"):
        migrate([source(database, engine=engine)], quietly)

    with psycopg.connect(database) as conn:
        assert conn.execute("SELECT to_regnamespace('system_status')").fetchone() == (None,)


def test_one_source_that_is_wrong_keeps_all_databases_unchanged(database: str, empty_database: str) -> None:
    with pytest.raises(MigrationError, match="wrong: no ascent queue"):
        migrate([source(database), source(empty_database, "wrong")], quietly)

    with psycopg.connect(database) as conn:
        assert conn.execute("SELECT to_regnamespace('system_status')").fetchone() == (None,)


async def test_detect_names_the_queues_of_a_database_whatever_is_configured(two_queues: str) -> None:
    ended = await run("detect", module="jobqueue", DATABASE_URL=two_queues, QUEUE_ENGINE="pgboss")

    assert (ended.code, ended.errors) == (0, "")
    assert [line.partition(": ")[2] for line in ended.output.splitlines()] == [
        "QUEUE_ENGINE=ascent QUEUE_SCHEMA=ascent",
        f"QUEUE_ENGINE=ascent QUEUE_SCHEMA={OTHER}",
    ]


async def test_detect_says_that_there_is_none(empty_database: str) -> None:
    ended = await run("detect", module="jobqueue", DATABASE_URL=empty_database)

    assert "no queue that System Status knows" in ended.output


def test_no_two_engines_can_be_taken_for_one_another() -> None:
    """What tells an engine is in no other engine's tables."""
    tables = {name: open_engine(name, None).tables for name in ENGINES}
    for name, wanted in tables.items():
        for other, its in tables.items():
            if name != other:
                assert not all(table in its and set(columns) <= set(its[table]) for table, columns in wanted.items())
