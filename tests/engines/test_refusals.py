"""When a recurring job can't be run now, the engine's own reason is given, and nothing is queued."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import AsyncConnection

from demo.engines.pgboss.boss import boss
from jobqueue.engine import CannotRun, Cleanup
from jobqueue.engines import open_engine
from tests.conftest import Server
from tests.exporter.process import run
from tests.exporter.scrape import Exporter, source

TICK = """
WITH job AS (INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
             VALUES ('default', 'report', 'only one', '{"a": 1}') RETURNING id)
INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp, job_id) SELECT 'report', 1, id FROM job
"""
EXCLUSIVE = """
SELECT pgboss.create_queue('only.one', '{"policy": "exclusive"}');
INSERT INTO pgboss.schedule (name, key, cron, data) VALUES ('only.one', 'night', '30 0 6 * * *', '{"a": 1}')
"""


@pytest.fixture
def make(server: Server, template_of: Callable[[str], str]) -> Iterator[Callable[[str], str]]:
    """Makes a queue of an engine, which goes with the test."""
    made = []

    def make(kind: str) -> str:
        made.append(server.create_database(template_of(kind)))
        return server.url(made[-1])

    yield make
    for name in made:
        server.drop_database(name)


async def jobs(conn: AsyncConnection, table: str) -> list[tuple[object, ...]]:
    return await (await conn.execute(table.encode())).fetchall()


async def test_procrastinate_takes_no_second_job_with_the_same_queueing_lock(make: Callable[[str], str]) -> None:
    control = open_engine("procrastinate", None).control
    async with await AsyncConnection.connect(make("procrastinate"), autocommit=True) as conn:
        await conn.execute(TICK)
        with pytest.raises(CannotRun, match="waits already"):
            async with conn.transaction():
                await control.run_now(conn, "report")

        await conn.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        assert await control.run_now(conn, "report")
        found = await jobs(conn, "SELECT args - 'timestamp', args ? 'timestamp' FROM procrastinate_jobs ORDER BY id")
        assert found == [({"a": 1}, False), ({"a": 1}, True)]


async def test_procrastinates_janitor_leaves_the_job_that_run_now_copies(make: Callable[[str], str]) -> None:
    control = open_engine("procrastinate", None).control
    async with await AsyncConnection.connect(make("procrastinate"), autocommit=True) as conn:
        await conn.execute(TICK)
        await conn.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        await conn.execute("UPDATE procrastinate_jobs SET status = 'succeeded'")
        [(later,)] = await jobs(conn, "SELECT now() + interval '1 day'")

        assert await control.clean(conn, Cleanup.COMPLETED, later, 10, "") == 0  # type: ignore[arg-type]
        assert await control.run_now(conn, "report")

        await conn.execute("DELETE FROM procrastinate_jobs")
        with pytest.raises(CannotRun, match="has been deleted"):
            await control.run_now(conn, "report")


async def test_check_names_a_periodic_task_that_is_not_written_down(make: Callable[[str], str]) -> None:
    address = make("procrastinate")
    with psycopg.connect(address) as conn:
        conn.execute(TICK)

    checked = await run("--check", DATABASE_URL=address, QUEUE_ENGINE="procrastinate")

    assert checked.code == 1
    assert "recurring job 'report' stands in code only" in checked.output


async def test_pgboss_policies_hold_for_run_now_too(make: Callable[[str], str]) -> None:
    control = open_engine("pgboss", None).control
    async with await AsyncConnection.connect(make("pgboss"), autocommit=True) as conn:
        await conn.execute(EXCLUSIVE)

        assert await control.run_now(conn, "only.one/night")
        with pytest.raises(CannotRun, match="takes no second one"):
            await control.run_now(conn, "only.one/night")

        assert await jobs(conn, "SELECT name, data, policy FROM pgboss.job") == [("only.one", {"a": 1}, "exclusive")]


async def test_pgboss_groups_and_throttles_hold_for_run_now_too(make: Callable[[str], str]) -> None:
    address, control = make("pgboss"), open_engine("pgboss", None).control
    options = {"group": {"id": "g", "tier": "gold"}, "singletonSeconds": 86400, "singletonKey": "k"}
    async with (
        boss(address, {"schedule": False}) as client,
        await AsyncConnection.connect(address, autocommit=True) as conn,
    ):
        await client.call("schedule", "mail", "0 6 * * *", {}, options)

        assert await control.run_now(conn, "mail")
        with pytest.raises(CannotRun, match="throttle"):
            await control.run_now(conn, "mail")
        assert await client.call("send", "mail", {}, options) is None  # nor does its own scheduler send one

        found = await jobs(conn, "SELECT group_id, group_tier, singleton_key, singleton_on FROM pgboss.job")
        [(midnight,)] = await jobs(conn, "SELECT date_trunc('day', now() AT TIME ZONE 'UTC')")
        assert found == [("g", "gold", "k", midnight)]


async def test_the_six_fields_of_pgboss_begin_with_the_seconds_as_it_reads_them(make: Callable[[str], str]) -> None:
    address = make("pgboss")
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(EXCLUSIVE)
    exporter = Exporter(source(address, engine="pgboss"))
    page = await exporter.poll()
    await exporter.close()

    [(labels, _)] = page.select("jobqueue_schedule_info")
    assert (labels["job_type"], labels["cron"]) == ("only.one/night", "30 0 6 * * *")
    assert labels["schedule"] == "30 0 6 * * *"
    assert page.value("jobqueue_schedule_valid", job_type="only.one/night") == 1


async def test_pgboss_own_count_of_finished_jobs_goes_with_those_the_janitor_deletes(
    make: Callable[[str], str],
) -> None:
    control = open_engine("pgboss", None).control
    async with await AsyncConnection.connect(make("pgboss"), autocommit=True) as conn:
        await conn.execute(
            "UPDATE pgboss.queue SET retained_count = 5, total_count = 5, retained_on = now() WHERE name = 'mail'"
        )
        await conn.execute(
            "INSERT INTO pgboss.job (name, state, completed_on)"
            " SELECT 'mail', 'completed', now() - n * interval '1 minute' FROM generate_series(1, 3) AS n"
        )
        [(now,)] = await jobs(conn, "SELECT now()")

        assert await control.clean(conn, Cleanup.COMPLETED, now, 2, "") == 2  # type: ignore[arg-type]

        assert await jobs(conn, "SELECT retained_count, total_count FROM pgboss.queue WHERE name = 'mail'") == [(3, 3)]


async def test_a_count_that_pgboss_has_not_made_yet_is_not_made_by_the_janitor(make: Callable[[str], str]) -> None:
    control = open_engine("pgboss", None).control
    async with await AsyncConnection.connect(make("pgboss"), autocommit=True) as conn:
        await conn.execute("UPDATE pgboss.queue SET retained_count = NULL, retained_on = NULL, total_count = 9")
        await conn.execute("INSERT INTO pgboss.job (name, state, completed_on) VALUES ('mail', 'completed', now())")
        [(later,)] = await jobs(conn, "SELECT now() + interval '1 day'")

        assert await control.clean(conn, Cleanup.COMPLETED, later, 2, "") == 1  # type: ignore[arg-type]

        counts = await jobs(conn, "SELECT retained_count, total_count FROM pgboss.queue WHERE name = 'mail'")
        assert counts == [(None, 8)]


@pytest.mark.parametrize(("cleanup", "state"), [(Cleanup.COMPLETED, "completed"), (Cleanup.FAILED, "failed")])
async def test_pgboss_janitor_leaves_the_job_of_the_newest_tick(
    make: Callable[[str], str], cleanup: Cleanup, state: str
) -> None:
    engine = open_engine("pgboss", None)
    async with await AsyncConnection.connect(make("pgboss"), autocommit=True) as conn:
        await conn.execute(EXCLUSIVE)
        await conn.execute(
            "INSERT INTO pgboss.job (name, state, completed_on)"
            f" SELECT 'only.one', '{state}', now() FROM generate_series(1, 3)".encode()
        )
        await conn.execute("UPDATE pgboss.schedule SET last_job_id = (SELECT id FROM pgboss.job LIMIT 1)")
        [(later,)] = await jobs(conn, "SELECT now() + interval '1 day'")

        concerned = await engine.control.concerned(conn, cleanup, later, 10)  # type: ignore[arg-type]
        assert [row.rows for row in concerned] == [2]
        assert await engine.control.clean(conn, cleanup, later, 10, "") == 2  # type: ignore[arg-type]

        [schedule] = (await engine.reader.schedules(conn)).rows
        assert schedule.last_enqueued_at is not None


async def test_river_takes_no_second_job_with_the_same_unique_key(make: Callable[[str], str]) -> None:
    control = open_engine("river", None).control
    async with await AsyncConnection.connect(make("river"), autocommit=True) as conn:
        await conn.execute(
            "INSERT INTO river_job (kind, args, metadata, unique_key, unique_states)"
            """ VALUES ('report', '{"a": 1}', '{"periodic": true, "tenant": 7}', 'k', b'11110101')"""
        )
        with pytest.raises(CannotRun, match="takes no second one"):
            await control.run_now(conn, "report")

        await conn.execute("UPDATE river_job SET state = 'cancelled', finalized_at = now()")
        assert await control.run_now(conn, "report")
        found = await jobs(conn, "SELECT args, metadata FROM river_job WHERE state = 'available'")
        assert found == [({"a": 1}, {"tenant": 7, "run_now": True})]


@pytest.mark.parametrize(
    ("engine", "insert"),
    [
        (
            "river",
            (
                "INSERT INTO river_job (kind, args, metadata, state, finalized_at)"
                """ SELECT 'report', '{}', '{"periodic": true}', 'completed', now() FROM generate_series(1, 3)"""
            ),
        ),
        (
            "oban",
            (
                "INSERT INTO oban_jobs (worker, meta, state, completed_at)"
                """ SELECT 'report', '{"cron": true}', 'completed', timezone('UTC', now()) FROM generate_series(1, 3)"""
            ),
        ),
    ],
)
async def test_the_janitor_leaves_the_newest_tick_that_run_now_copies(
    make: Callable[[str], str], engine: str, insert: str
) -> None:
    control = open_engine(engine, None).control
    async with await AsyncConnection.connect(make(engine), autocommit=True) as conn:
        await conn.execute(insert.encode())
        [(later,)] = await jobs(conn, "SELECT now() + interval '1 day'")

        assert await control.clean(conn, Cleanup.COMPLETED, later, 10, "") == 2  # type: ignore[arg-type]
        assert await control.run_now(conn, "report")


async def test_a_manual_run_is_no_tick(make: Callable[[str], str]) -> None:
    engine = open_engine("oban", None)
    async with await AsyncConnection.connect(make("oban"), autocommit=True) as conn:
        await conn.execute(
            "INSERT INTO oban_jobs (worker, meta, inserted_at)"
            """ VALUES ('report', '{"cron": true}', timezone('UTC', now()) - interval '1 hour')"""
        )
        before = await engine.reader.ticks(conn)

        assert await engine.control.run_now(conn, "report")

        assert await engine.reader.ticks(conn) == before
