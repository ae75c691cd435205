"""What ``python -m jobqueue grants`` prints is enough for each engine, and what is asked without it fails."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import AsyncConnection

from jobqueue.config import Source
from jobqueue.engine import Capability, Cleanup
from jobqueue.engines import open_engine
from jobqueue.states import JobState
from jobqueue.tables.grants import grants
from tests.engines.conftest import ALL
from tests.engines.drivers import MAIL, NOBODY, REPORT, Driver
from tests.engines.test_conformance import Watch, active_job, clean, until_said
from tests.exporter.process import run
from tests.exporter.scrape import source


@pytest.fixture
def roles(address: str, kind: str) -> Iterator[dict[str, str]]:
    """Addresses of the queue for the roles of exporter and control API."""
    parts = urlsplit(address)
    names = {role: f"{role}_{parts.path[1:]}" for role in ("exporter", "control", "grafana")}
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute("\n".join(grants([source(address, engine=ALL[kind].engine)], *names.values())).encode())
        for name in names.values():
            conn.execute(f"ALTER ROLE {name} PASSWORD 'x'".encode())
    host = parts.netloc.rpartition("@")[2]
    yield {role: parts._replace(netloc=f"{name}:x@{host}").geturl() for role, name in names.items()}
    with psycopg.connect(address, autocommit=True) as conn:
        for name in names.values():
            conn.execute(f"DROP OWNED BY {name}".encode())
            conn.execute(f"DROP ROLE {name}".encode())


async def test_the_exporters_role_reads_all_and_check_has_nothing_to_mend(
    driver: Driver, queue: Source, roles: dict[str, str], watch: Watch, kind: str
) -> None:
    await driver.enqueue(MAIL)
    exporter = watch(source(roles["exporter"], engine=driver.engine, schedules=queue.schedules))

    page = await exporter.poll()

    assert set(page.by("collector", "jobqueue_collector_success").values()) == {1.0}
    checked = await run("--check", DATABASE_URL=roles["exporter"], QUEUE_ENGINE=driver.engine)
    assert checked.code == 0
    assert checked.output == "main: ok\n" or (kind == "graphile-unrecorded" and "[recorder-missing]" in checked.output)


async def test_the_control_apis_role_can_do_all_that_the_engine_tolerates(
    driver: Driver, roles: dict[str, str]
) -> None:
    engine = open_engine(driver.engine, None)
    runs = Capability.RUN_NOW not in engine.lacks
    if runs:
        await driver.schedule()
    async with await AsyncConnection.connect(roles["control"], autocommit=True) as conn, driver.working():
        if runs:
            await until_said(driver, REPORT, JobState.COMPLETED)
        await driver.enqueue(NOBODY)  # early: where workers take every type, it has ended before the clean-ups
        if runs:
            done = (await driver.counts())[REPORT, driver.words[JobState.COMPLETED]]
            async with conn.transaction():
                assert await engine.control.run_now(conn, REPORT)
        await driver.enqueue(MAIL, failures=1)
        await until_said(driver, MAIL, JobState.FAILED)
        await active_job(driver)
        if runs:
            await until_said(driver, REPORT, JobState.COMPLETED, done + 1)
        else:
            await driver.enqueue(REPORT)
            await until_said(driver, REPORT, JobState.COMPLETED)

        changed = {cleanup: await clean(conn, engine, cleanup) for cleanup in engine.control.cleanups}

    assert changed.get(Cleanup.ACTIVE, 0) == (Capability.FAIL_ACTIVE not in engine.lacks)
    assert (changed.get(Cleanup.COMPLETED, 0) >= 1) == (JobState.COMPLETED in engine.states)
    assert changed[Cleanup.FAILED] >= 1
    assert Cleanup.PENDING in changed


PAYLOADS = {
    "ascent": ("ascent.jobs", "payload"),
    "graphile": ("graphile_worker._private_jobs", "payload"),
    "oban": ("public.oban_jobs", "args"),
    "pgboss": ("pgboss.job", "data"),
    "pgqueuer": ("public.pgqueuer", "payload"),
    "procrastinate": ("public.procrastinate_jobs", "args"),
    "river": ("public.river_job", "args"),
}
COPIED = ("oban", "procrastinate", "river")
"""Run now copies a job there, and what it copies it can read."""


@pytest.mark.parametrize("role", ["exporter", "control", "grafana"])
async def test_no_payload_can_be_read_but_by_who_has_to_copy_it(kind: str, roles: dict[str, str], role: str) -> None:
    engine = ALL[kind].engine
    table, payload = PAYLOADS[engine]
    with psycopg.connect(roles[role]) as conn:
        if role == "control" and engine in COPIED:
            conn.execute(f"SELECT {payload} FROM {table}".encode())
            return
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"SELECT {payload} FROM {table}".encode())


async def test_the_control_apis_role_passes_no_row_security_by(kind: str, roles: dict[str, str]) -> None:
    with psycopg.connect(roles["control"]) as conn:
        passes = conn.execute("SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()

    assert passes == (False,)
