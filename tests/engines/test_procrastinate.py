"""procrastinate: what its own tables and functions do to the figures."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from jobqueue import catalogue as metrics
from tests.conftest import Server
from tests.engines.test_conformance import Watch
from tests.exporter.scrape import source

DEFER = "INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at) VALUES ('q', %s, now() - %s::interval)"
RETRY = "SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM procrastinate_jobs"


@pytest.fixture
def address(server: Server, template_of: Callable[[str], str]) -> Iterator[str]:
    name = server.create_database(template_of("procrastinate"))
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def conn(address: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(address, autocommit=True) as conn:
        yield conn


def run(conn: psycopg.Connection, end: str) -> None:
    """Run the only job, as a worker does."""
    conn.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    conn.execute("SELECT procrastinate_finish_job_v1(id, %s, false) FROM procrastinate_jobs", (end,))


async def test_a_retry_by_hand_is_a_retry(address: str, conn: psycopg.Connection, watch: Watch) -> None:
    exporter = watch(source(address, engine="procrastinate"))
    await exporter.poll()
    conn.execute(DEFER, ("mail", None))
    run(conn, "failed")
    conn.execute(RETRY)
    run(conn, "succeeded")

    page = await exporter.poll(rounds=2)

    assert page.value(metrics.RUNS, job_type="mail") == 2
    assert page.value(metrics.RUN_FAILURES, job_type="mail") == 1
    assert page.value(metrics.RUN_RETRIES, job_type="mail") == 1


async def test_a_job_is_ready_no_earlier_than_it_was_made(address: str, conn: psycopg.Connection, watch: Watch) -> None:
    conn.execute(DEFER, ("mail", "30 days"))
    conn.execute(DEFER, ("report", "1 hour"))
    conn.execute(
        "UPDATE procrastinate_events SET at = now() - interval '2 hours' WHERE type = 'deferred' AND job_id = 2"
    )
    conn.execute(DEFER, ("report", "30 days"))
    [(now,)] = conn.execute("SELECT extract(epoch FROM now())::float8").fetchall()

    page = await watch(source(address, engine="procrastinate")).poll()

    assert now - page.value(metrics.OLDEST_READY, job_type="mail") < 60
    assert now - page.value(metrics.OLDEST_READY, job_type="report") == pytest.approx(3600, abs=60)


def test_a_job_that_was_failed_by_an_admin_can_be_retried_once_its_flag_is_gone(conn: psycopg.Connection) -> None:
    conn.execute(DEFER, ("mail", None))
    conn.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    conn.execute("UPDATE procrastinate_jobs SET status = 'failed', abort_requested = true")
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(RETRY)

    conn.execute("UPDATE procrastinate_jobs SET abort_requested = false WHERE status = 'failed'")
    conn.execute(RETRY)

    assert conn.execute("SELECT status::text FROM procrastinate_jobs").fetchall() == [("todo",)]
