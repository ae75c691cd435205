"""Since when a job is due: its making or the time it is planned for, the later of both, in every engine.

It is due anew when it is released, rescued or retried. Where the database says nothing of when, its run has no wait.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncClientCursor, AsyncConnection

from jobqueue import catalogue as metrics
from jobqueue.config import Source
from tests.engines.conftest import KINDS
from tests.engines.drivers import NOBODY, Driver
from tests.exporter.scrape import Watch

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_TIMES = {
    "ascent": ("ascent.jobs", "created_at", "run_after"),
    "pgboss": ("pgboss.job", "created_on", "start_after"),
    "river": ("river_job", "created_at", "scheduled_at"),
    "oban": ("oban_jobs", "inserted_at", "scheduled_at"),
    "pgqueuer": ("pgqueuer", "created", "execute_after"),
    "graphile": ("graphile_worker._private_jobs", "created_at", "run_at"),
}
"""Where it stands when a job was made, and for when it is planned."""
_IN_TWO_TABLES = """
WITH planned AS (UPDATE procrastinate_jobs SET scheduled_at = %(due)s WHERE id::text = %(id)s)
UPDATE procrastinate_events SET at = %(made)s WHERE type = 'deferred' AND job_id::text = %(id)s
"""


@pytest.mark.parametrize("kind", KINDS, indirect=True)
async def test_a_job_dated_back_hides_none_that_has_waited_longer(
    driver: Driver, admin: AsyncConnection, queue: Source, watch: Watch
) -> None:
    if driver.engine == "procrastinate":
        command = _IN_TWO_TABLES
    else:
        table, made_at, due_at = _TIMES[driver.engine]
        command = f"UPDATE {table} SET {made_at} = %(made)s, {due_at} = %(due)s WHERE id::text = %(id)s"
    await admin.execute("SET TIME ZONE 'UTC'")  # Oban's columns have none
    now = datetime.now(UTC)
    two_hours = now - timedelta(hours=2)
    for made, due in ((now, LONG_AGO), (two_hours, two_hours), (now, LONG_AGO), (now, now)):
        values = {"id": await driver.enqueue(NOBODY), "made": made, "due": due}
        assert (await admin.execute(command.encode(), values)).rowcount == 1

    page = await watch(queue).poll()

    assert page.value(metrics.OLDEST_READY, job_type=NOBODY) == two_hours.timestamp()


@dataclass(frozen=True, slots=True)
class Anew:
    """How a job that was made three hours ago becomes due anew, is fetched an hour later, and ends at once."""

    kind: str
    due_anew: str
    """Statements, with two hours ago as ``%(released)s``."""
    fetched: str
    """Statements, with an hour ago as ``%(fetched)s``."""
    wait: float | None = 3600.0
    waits_since: str = "released"


_RIVER = """UPDATE river_job SET created_at = %(made)s, scheduled_at = %(made)s,
  metadata = metadata || jsonb_build_object('workflow_staged_at', {staged_at})"""
_STAGED = "to_char(%(released)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '789Z'"
_STAGED_IN_INDIA = (
    "to_char(%(released)s AT TIME ZONE 'UTC' + interval '330 min', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+05:30'"
)
_RIVER_RUNS = (
    """UPDATE river_job SET state = 'completed', attempt = 1, attempted_at = %(fetched)s, finalized_at = now()"""
)
_OBAN = "UPDATE oban_jobs SET inserted_at = %(made)s, scheduled_at = %(made)s"
_OBAN_RUNS = (
    "UPDATE oban_jobs SET state = 'completed', attempt = attempt + 1, attempted_at = %(fetched)s, completed_at = now()"
)
_OBAN_RESCUED = f"""{_OBAN}, state = 'available', attempt = 1, max_attempts = 2, attempted_at = %(released)s,
  meta = '{{"rescued": 1}}'"""
_PGBOSS = "UPDATE pgboss.job SET created_on = %(made)s, start_after = %(made)s"
_PGBOSS_RUNS = "UPDATE pgboss.job SET state = 'completed', started_on = %(fetched)s, completed_on = now()"
_DEFERRED = "UPDATE procrastinate_events SET at = %(made)s"
_AT_WORK = "UPDATE procrastinate_jobs SET status = 'doing', attempts = 1;"
_RETRIED = """
SELECT procrastinate_retry_job_v2(id, %(released)s, NULL, NULL, NULL) FROM procrastinate_jobs;
UPDATE procrastinate_events SET at = %(released)s WHERE type::text IN ('deferred_for_retry', 'retried')"""
_PROCRASTINATE_RUNS = """
UPDATE procrastinate_jobs SET status = 'doing';
UPDATE procrastinate_events SET at = %(fetched)s WHERE id = (SELECT max(id) FROM procrastinate_events);
UPDATE procrastinate_jobs SET status = 'succeeded'"""
ANEW = {
    "a step of a River workflow is released": Anew("river", _RIVER.format(staged_at=_STAGED), _RIVER_RUNS),
    "a step is released by a clock of India": Anew("river", _RIVER.format(staged_at=_STAGED_IN_INDIA), _RIVER_RUNS),
    **{
        f"a River job says {nonsense} of its release": Anew(
            "river", _RIVER.format(staged_at=nonsense), _RIVER_RUNS, wait=7200.0, waits_since="made"
        )
        for nonsense in (
            "'soon'::text",
            "''::text",
            "17",
            "NULL::text",
            "'{}'::jsonb",
            "'2026-13-01T00:00:00Z'::text",
            "'2026-01-01T25:00:00Z'::text",
            "'0000-01-01T00:00:00Z'::text",
            "'2020-02-31T00:00:00Z'::text",
            "'2020-01-01T00:00:00+99:00'::text",
        )
    },
    "an Oban job is rescued": Anew("oban", _OBAN_RESCUED, _OBAN_RUNS, wait=None),
    "an Oban job is rescued in Python": Anew("oban-python", _OBAN_RESCUED, _OBAN_RUNS, wait=None),
    "an Oban job is retried by hand": Anew(
        "oban",
        f"{_OBAN}, state = 'available', attempt = 1, max_attempts = 2;"
        " UPDATE oban_jobs SET scheduled_at = %(released)s",
        _OBAN_RUNS,
    ),
    "a pg-boss job is released, resumed or retried": Anew(
        "pgboss", f"{_PGBOSS}; UPDATE pgboss.job SET start_after = greatest(start_after, %(released)s)", _PGBOSS_RUNS
    ),
    "a pg-boss job of an older version was retried by hand": Anew(
        "pgboss", f"{_PGBOSS}, started_on = %(released)s, state = 'retry'", _PGBOSS_RUNS, wait=7200.0
    ),
    "a stalled procrastinate job is retried": Anew(
        "procrastinate", f"{_DEFERRED}; {_AT_WORK} {_RETRIED}", _PROCRASTINATE_RUNS
    ),
    "a procrastinate job is retried by hand": Anew(
        "procrastinate",
        f"{_DEFERRED}; {_AT_WORK} UPDATE procrastinate_jobs SET status = 'failed'; DELETE FROM procrastinate_events"
        f" WHERE type = 'failed'; {_RETRIED}",
        _PROCRASTINATE_RUNS,
    ),
}


@pytest.mark.parametrize(("kind", "anew"), [(anew.kind, anew) for anew in ANEW.values()], ids=ANEW, indirect=["kind"])
async def test_a_job_that_becomes_due_anew_waits_from_then_on(
    driver: Driver, admin: AsyncConnection, queue: Source, watch: Watch, anew: Anew
) -> None:
    exporter = watch(queue)
    await exporter.poll()
    await driver.enqueue(NOBODY)
    now = datetime.now(UTC)
    times = {
        "made": now - timedelta(hours=3),
        "released": now - timedelta(hours=2),
        "fetched": now - timedelta(hours=1),
    }

    async def do(statements: str) -> None:
        await admin.execute("SET TIME ZONE 'UTC'")  # Oban's columns have none
        async with AsyncClientCursor(admin) as cursor:  # several at a time
            await cursor.execute(statements.encode(), times)

    await do(anew.due_anew)
    waiting = await exporter.poll()
    await do(anew.fetched)
    page = await exporter.poll(rounds=2)

    since = times[anew.waits_since].timestamp()
    assert waiting.value(metrics.OLDEST_READY, job_type=NOBODY) == pytest.approx(since, rel=0, abs=1e-5)
    assert page.value(metrics.RUNS, job_type=NOBODY) == 1
    assert page.value(metrics.RUN_WAIT.name + "_count", job_type=NOBODY) == (anew.wait is not None)
    assert page.value(metrics.RUN_WAIT.name + "_sum", job_type=NOBODY) == pytest.approx(anew.wait or 0)
