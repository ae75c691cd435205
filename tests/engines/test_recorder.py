"""The recorder of completions: it counts what is deleted, is in nobody's way, and goes without a trace."""

import sys
from collections.abc import Callable, Iterator
from subprocess import run
from time import monotonic

import psycopg
import pytest
from psycopg.errors import UndefinedTable

from jobqueue import catalogue as metrics
from jobqueue.engine import Capability
from jobqueue.engines import open_engine
from tests.conftest import Server
from tests.engines.drivers import MAIL
from tests.exporter.scrape import Watch, source

_JOBS = (
    "INSERT INTO graphile_worker._private_jobs (task_id, attempts, locked_at, locked_by) SELECT task.id, 1, now(), 'w'"
)
_OBJECTS = """
SELECT 'table', oid::regclass::text FROM pg_class WHERE relnamespace = 'system_status'::regnamespace
UNION ALL
SELECT 'function', oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'system_status'::regnamespace
UNION ALL
SELECT 'trigger', tgname FROM pg_trigger WHERE tgrelid = 'graphile_worker._private_jobs'::regclass
ORDER BY 1, 2
"""


@pytest.fixture
def address(server: Server, template_of: Callable[[str], str]) -> Iterator[str]:
    """A queue that isn't recorded."""
    name = server.create_database(template_of("graphile-unrecorded"))
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def recorded(server: Server, template_of: Callable[[str], str]) -> Iterator[psycopg.Connection]:
    name = server.create_database(template_of("graphile"))
    with psycopg.connect(server.url(name), autocommit=True) as conn:
        conn.execute("SELECT graphile_worker.add_job(%s)", (MAIL,))
        conn.execute("DELETE FROM graphile_worker._private_jobs")
        conn.execute("TRUNCATE system_status.recorded_runs")
        yield conn
    server.drop_database(name)


def migrate(address: str, *options: str) -> str:
    done = run(
        [sys.executable, "-m", "jobqueue", "migrate", *options],
        env={"DATABASE_URL": address, "QUEUE_ENGINE": "graphile"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def complete(conn: psycopg.Connection, jobs: int) -> int:
    """Lock so many jobs and complete them in one statement, as a worker does; answers how many went."""
    conn.execute(f"{_JOBS} FROM graphile_worker._private_tasks AS task, generate_series(1, {jobs})".encode())
    return conn.execute("DELETE FROM graphile_worker._private_jobs").rowcount


async def test_it_is_made_when_asked_for_and_goes_without_a_trace(address: str) -> None:
    reader = open_engine("graphile", None).reader
    with psycopg.connect(address, autocommit=True) as conn:
        before = conn.execute(_OBJECTS).fetchall()
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as reading:
            without = (await reader.lacking(reading))[Capability.COMPLETIONS]
            assert "completions are recorded" in migrate(address, "--record-completions")
            assert "completions are recorded" in migrate(address, "--record-completions")
            assert Capability.COMPLETIONS not in await reader.lacking(reading)
        assert conn.execute(_OBJECTS).fetchall() != before

        assert "recorder is gone" in migrate(address, "--remove-recorder")

        assert conn.execute(_OBJECTS).fetchall() == before
        assert complete_unrecorded(conn) == 1
    assert without.endswith("migrate --record-completions")


def complete_unrecorded(conn: psycopg.Connection) -> int:
    conn.execute("SELECT graphile_worker.add_job('x')")
    return conn.execute("DELETE FROM graphile_worker._private_jobs").rowcount


async def test_the_figures_of_the_day_stay_while_the_recorder_makes_way_for_an_upgrade(
    address: str, watch: Watch
) -> None:
    queue = source(address, engine="graphile")
    migrate(address, "--record-completions")
    exporter = watch(queue)
    await exporter.poll()
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute("SELECT graphile_worker.add_job(%s)", (MAIL,))
        complete(conn, 1)
        before = await exporter.poll(rounds=2)
        migrate(address, "--remove-recorder")
        conn.execute(
            "SELECT graphile_worker.permanently_fail_jobs(array[id]) FROM graphile_worker.add_job(%s)", (MAIL,)
        )
        meanwhile = await exporter.poll(rounds=2)
        migrate(address, "--record-completions")

        page = await exporter.poll(rounds=2)
        restarted = await watch(queue).poll(rounds=2)

    assert before.value(metrics.DAY_RUNS, job_type=MAIL) == 1
    assert meanwhile.select(metrics.DAY_RUNS) == []
    for after in (page, restarted):
        assert after.value(metrics.DAY_RUNS, job_type=MAIL) == 1
        assert after.value(metrics.DAY_SUCCESS_RATIO, job_type=MAIL) == 1


def test_an_engine_that_keeps_its_jobs_has_nothing_to_record(database: str) -> None:
    done = run(
        [sys.executable, "-m", "jobqueue", "migrate", "--record-completions"],
        env={"DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "nothing to record, ascent keeps its finished jobs" in done.stdout


def test_what_was_completed_removed_or_given_up_is_told_apart(recorded: psycopg.Connection) -> None:
    complete(recorded, 3)
    [removed, given_up, failed, unlocked] = [
        recorded.execute("SELECT id FROM graphile_worker.add_job(%s, max_attempts := 1)", (MAIL,)).fetchone()
        for _ in range(4)
    ]
    recorded.execute("SELECT graphile_worker.complete_jobs(array[%s])", removed)
    recorded.execute("SELECT graphile_worker.permanently_fail_jobs(array[%s])", given_up)
    for worker, job in (("w", failed), ("killed", unlocked)):
        recorded.execute(
            "UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = %s, attempts = 1 WHERE id = %s",
            (worker, *job),  # type: ignore[misc]
        )
    recorded.execute(
        "UPDATE graphile_worker._private_jobs SET locked_at = NULL, locked_by = NULL,"
        " run_at = run_at + interval '3 s' WHERE id = %s",
        failed,
    )
    recorded.execute("SELECT graphile_worker.force_unlock_workers(array['killed'])")
    jobs = [*given_up, *failed, *unlocked]  # type: ignore[misc]
    recorded.execute("SELECT graphile_worker.complete_jobs(%s)", (jobs,))

    counted: dict[str, int] = dict(
        recorded.execute("SELECT state, count(*) FROM system_status.recorded_runs GROUP BY 1").fetchall()
    )
    assert counted == {"completed": 3, "cancelled": 1, "failed": 3}


LOCK = "UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'w', attempts = 1 WHERE key = 'k'"


@pytest.mark.parametrize(
    "end",
    [
        "DELETE FROM graphile_worker._private_jobs WHERE id = %s",
        (
            "UPDATE graphile_worker._private_jobs SET locked_at = NULL, run_at = now() + exp(least(attempts, 10)) *"
            " interval '1 second' WHERE id = %s"
        ),
    ],
    ids=["completed", "failed"],
)
@pytest.mark.parametrize("replace", ["add_job('mail', job_key := 'k')", "remove_job('k')"])
def test_a_job_that_was_replaced_while_it_ran_has_no_made_up_retries(
    recorded: psycopg.Connection, replace: str, end: str
) -> None:
    recorded.execute("SELECT graphile_worker.add_job(%s, job_key := 'k')", (MAIL,))
    recorded.execute(LOCK)
    [running] = recorded.execute("SELECT id FROM graphile_worker.jobs").fetchall()

    recorded.execute(f"SELECT graphile_worker.{replace}".encode())
    recorded.execute(end.encode(), running)

    assert recorded.execute("SELECT retries FROM system_status.recorded_runs").fetchall() == [(0,)]


def test_a_job_that_was_given_up_ended_then_though_another_took_its_key(recorded: psycopg.Connection) -> None:
    frontiers = open_engine("graphile", None).reader.queries["frontiers"]  # type: ignore[attr-defined]
    recorded.execute("SELECT graphile_worker.add_job(%s, job_key := 'k', max_attempts := 1)", (MAIL,))
    recorded.execute(LOCK)
    recorded.execute(
        "UPDATE graphile_worker._private_jobs SET locked_at = NULL, created_at = now() - interval '2 days',"
        " updated_at = now() - interval '2 days', run_at = now() - interval '1 day' + exp(1) * interval '1 second'"
    )
    recorded.execute("TRUNCATE system_status.recorded_runs")
    before = recorded.execute(frontiers).fetchall()

    recorded.execute("SELECT graphile_worker.add_job(%s, job_key := 'k')", (MAIL,))

    assert recorded.execute(frontiers).fetchall() == before
    assert recorded.execute("SELECT FROM system_status.recorded_runs").fetchall() == []


def test_a_recorder_that_fails_breaks_nothing(recorded: psycopg.Connection) -> None:
    recorded.execute("DROP TABLE system_status.recorded_runs")

    assert complete(recorded, 3) == 3
    with pytest.raises(UndefinedTable):
        recorded.execute("SELECT FROM system_status.recorded_runs")


def test_a_recorder_that_is_held_up_holds_nobody_up(recorded: psycopg.Connection) -> None:
    with psycopg.connect(recorded.info.dsn, password=recorded.info.password) as holder:
        holder.execute("LOCK TABLE system_status.recorded_runs")
        began = monotonic()
        assert complete(recorded, 3) == 3

    assert monotonic() - began < 1


def test_what_is_an_hour_old_goes_and_nothing_younger(recorded: psycopg.Connection) -> None:
    recorded.execute(
        "INSERT INTO system_status.recorded_runs (queue, job_type, state, retries, due_at, finished_at)"
        " SELECT 'graphile_worker', age, 'completed', 0, now(), now() - age::interval"
        " FROM (VALUES ('61 min'), ('59 min')) AS ages (age), generate_series(1, 50)"
    )

    complete(recorded, 100)

    left = recorded.execute("SELECT job_type, count(*) FROM system_status.recorded_runs GROUP BY 1 ORDER BY 1")
    assert left.fetchall() == [("59 min", 50), (MAIL, 100)]


def test_the_end_of_a_job_that_does_not_say_it_is_kept_while_the_job_is_there(recorded: psycopg.Connection) -> None:
    jobs = [
        job_id
        for key in ("stays", "goes")
        for (job_id,) in recorded.execute(
            "SELECT id FROM graphile_worker.add_job(%s, max_attempts := 1, job_key := %s)", (MAIL, key)
        ).fetchall()
    ]
    recorded.execute("UPDATE graphile_worker._private_jobs SET updated_at = now() - interval '1 day', attempts = 1")
    recorded.execute("UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'w'")
    recorded.execute("TRUNCATE system_status.recorded_runs")
    recorded.execute("SELECT graphile_worker.force_unlock_workers(array['w'])")
    recorded.execute("UPDATE system_status.recorded_runs SET finished_at = now() - interval '2 hours'")
    recorded.execute("DELETE FROM graphile_worker._private_jobs WHERE id = %s", (jobs[1],))

    recorded.execute(f"{_JOBS} FROM graphile_worker._private_tasks AS task, generate_series(1, 100)".encode())
    recorded.execute("DELETE FROM graphile_worker._private_jobs WHERE locked_by = 'w'")

    kept = recorded.execute("SELECT job_id FROM system_status.recorded_runs WHERE state = 'failed'").fetchall()
    assert kept == [(jobs[0],)]
