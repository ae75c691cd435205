"""A batch of a clean-up is what was asked for: no more where the planner errs, no less where somebody holds a row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from psycopg import AsyncConnection

from jobqueue.engine import Cleanup
from jobqueue.engines import open_engine
from tests.conftest import Server
from tests.engines.piles import Pile, batch_of

AT = "(SELECT now() - n * interval '1 hour' AS at FROM generate_series(1, {{rows}}) AS n) AS past"
UTC = "(SELECT timezone('UTC', now()) - n * interval '1 hour' AS at FROM generate_series(1, {{rows}}) AS n) AS past"


@dataclass(frozen=True, slots=True)
class Rows:
    """SQL that makes old jobs of one engine, ``{state}`` and ``{ended}`` as the clean-up has it."""

    table: str
    insert: str
    states: tuple[str, str, str]
    """Waiting, completed, failed."""

    def of(self, cleanup: Cleanup) -> str:
        state = self.states[(Cleanup.PENDING, Cleanup.COMPLETED, Cleanup.FAILED).index(cleanup)]
        return self.insert.format(state=state, ended="NULL" if cleanup is Cleanup.PENDING else "at")


ROWS = {
    "pgboss": Rows(
        "pgboss.job_common",
        "INSERT INTO pgboss.job (name, state, created_on, start_after, completed_on)"
        f" SELECT 'mail', '{{state}}', at, at, {{ended}} FROM {AT}",
        ("created", "completed", "failed"),
    ),
    "procrastinate": Rows(
        "procrastinate_jobs",
        "WITH made AS (INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
        " SELECT 'q', 'mail', '{state}' FROM generate_series(1, {{rows}}) RETURNING id)"
        " INSERT INTO procrastinate_events (job_id, type, at)"
        " SELECT id, replace('{state}', 'todo', 'deferred')::procrastinate_job_event_type, now() - interval '1 day'"
        " FROM made",
        ("todo", "succeeded", "failed"),
    ),
    "river": Rows(
        "river_job",
        "INSERT INTO river_job (kind, args, state, created_at, scheduled_at, finalized_at)"
        f" SELECT 'mail', 'null', '{{state}}', at, at, {{ended}} FROM {AT}",
        ("available", "completed", "discarded"),
    ),
    "oban": Rows(
        "oban_jobs",
        "INSERT INTO oban_jobs (worker, state, inserted_at, scheduled_at, completed_at, discarded_at)"
        f" SELECT 'mail', '{{state}}', at, at, {{ended}}, {{ended}} FROM {UTC}",
        ("available", "completed", "discarded"),
    ),
    "pgqueuer": Rows(
        "pgqueuer_log",
        "WITH made AS (INSERT INTO pgqueuer (priority, entrypoint, status, created, updated, execute_after)"
        f" SELECT 0, 'mail', 'queued', at, at, at FROM {AT} WHERE '{{state}}' = 'queued' RETURNING id)"
        " INSERT INTO pgqueuer_log (job_id, entrypoint, priority, status, created)"
        f" SELECT n, 'mail', 0, '{{state}}', now() - interval '1 day' FROM generate_series(1, {{{{rows}}}}) AS n",
        ("queued", "successful", "exception"),
    ),
    "graphile": Rows(
        "graphile_worker._private_jobs",
        "INSERT INTO graphile_worker._private_jobs (task_id, attempts, max_attempts, created_at, updated_at, run_at)"
        f" SELECT task.id, {{state}}, at, at, at FROM {AT}, graphile_worker._private_tasks AS task",
        ("0, 1", "1, 2", "1, 1"),
    ),
}
LACKED = {("graphile", Cleanup.COMPLETED)}
"""It deletes a job that is done."""
OF_ANOTHER = {Cleanup.PENDING: Cleanup.FAILED, Cleanup.COMPLETED: Cleanup.PENDING, Cleanup.FAILED: Cleanup.PENDING}


@pytest.fixture(params=ROWS)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def address(server: Server, template_of: Callable[[str], str], engine: str) -> Iterator[str]:
    name = server.create_database(template_of("graphile-unrecorded" if engine == "graphile" else engine))
    yield server.url(name)
    server.drop_database(name)


async def with_task(conn: AsyncConnection, engine: str) -> None:
    if engine == "graphile":
        await conn.execute("INSERT INTO graphile_worker._private_tasks (identifier) VALUES ('mail')")


@pytest.mark.parametrize("cleanup", OF_ANOTHER)
async def test_a_batch_is_a_batch_where_the_planner_knows_nothing_of_the_pile(
    address: str, engine: str, cleanup: Cleanup
) -> None:
    control, rows = open_engine(engine, None).control, ROWS[engine]
    assert (cleanup not in control.cleanups) == ((engine, cleanup) in LACKED)
    if (engine, cleanup) in LACKED:
        return
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        await with_task(conn, engine)
        pile = Pile(cleanup, rows.table, rows.of(OF_ANOTHER[cleanup]), rows.of(cleanup))

        found = await batch_of(conn, control, pile, rows=1_000, batch=50)

    assert found.changed == 50


@pytest.mark.parametrize("cleanup", OF_ANOTHER)
async def test_a_batch_is_full_although_somebody_holds_a_row_of_it(address: str, engine: str, cleanup: Cleanup) -> None:
    control, rows = open_engine(engine, None).control, ROWS[engine]
    assert (cleanup not in control.cleanups) == ((engine, cleanup) in LACKED)
    if (engine, cleanup) in LACKED:
        return
    async with await AsyncConnection.connect(address, autocommit=True) as conn:
        await with_task(conn, engine)
        await conn.execute(rows.of(cleanup).format(rows=4).encode())
        async with await AsyncConnection.connect(address) as holder:
            await holder.execute(f"SELECT FROM {rows.table} LIMIT 1 FOR UPDATE".encode())
            async with conn.transaction():
                row = await (await conn.execute("SELECT now()")).fetchone()
                assert row

                assert await control.clean(conn, cleanup, row[0], 3, "r") == 3
