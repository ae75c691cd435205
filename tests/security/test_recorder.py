"""The recorder of completions lends its owner's rights to no role."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from pydantic import SecretStr

from jobqueue.config import Source
from jobqueue.engine import Cleanup
from jobqueue.engines import open_engine
from jobqueue.tables.connection import MigrationError
from jobqueue.tables.migrate import migrate
from jobqueue.tables.recording import record_completions, remove_recorders
from tests.conftest import Server
from tests.engines.drivers import MAIL
from tests.exporter.process import run
from tests.exporter.scrape import source
from tests.security.roles import as_role, drop_roles, least_privileged

_EVIL_TABLE = """
CREATE TYPE pg_temp.evil AS (x int);
CREATE FUNCTION pg_temp.cast_evil(pg_temp.evil) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN
  RAISE NOTICE 'runs as %', current_user; RETURN now(); END $$;
CREATE CAST (pg_temp.evil AS timestamptz) WITH FUNCTION pg_temp.cast_evil(pg_temp.evil) AS IMPLICIT;
CREATE TEMP TABLE t (task_id int, locked_at pg_temp.evil, updated_at timestamptz, key text, attempts int,
  max_attempts int, created_at timestamptz, run_at timestamptz);
INSERT INTO t VALUES (1, ROW(1)::pg_temp.evil, now(), NULL, 1, 25, now(), now());
"""
_TRIGGERS = {
    "graphile_worker_deleted": """
CREATE TRIGGER x AFTER DELETE ON t REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
  EXECUTE FUNCTION system_status.graphile_worker_deleted();
DELETE FROM t""",
    "graphile_worker_given_up": """
CREATE TRIGGER x AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION system_status.graphile_worker_given_up();
UPDATE t SET attempts = 2""",
}
_FUNCTIONS = """
SELECT proname, prosecdef, has_function_privilege('public', oid, 'EXECUTE')
  FROM pg_proc
 WHERE pronamespace = 'system_status'::regnamespace
"""


@pytest.fixture
def recorded(server: Server, template_of: Callable[[str], str]) -> Iterator[str]:
    """The address of a Graphile Worker queue with its recorder, whose first job makes the task's name known."""
    name = server.create_database(template_of("graphile"))
    address = server.url(name)
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute("SELECT graphile_worker.add_job(%s)", (MAIL,))
        conn.execute("DELETE FROM graphile_worker._private_jobs")
        conn.execute("TRUNCATE system_status.recorded_runs")
    yield address
    server.drop_database(name)


@pytest.fixture
def queue(recorded: str) -> Source:
    return source(recorded, engine="graphile")


@pytest.fixture
def roles(recorded: str, queue: Source) -> Iterator[dict[str, str]]:
    with least_privileged(recorded, [queue]) as addresses:
        yield addresses


@pytest.mark.parametrize("function", _TRIGGERS)
@pytest.mark.parametrize("role", ["grafana", "exporter", "control"])
def test_no_role_runs_code_as_the_owner_of_the_recorders_functions(
    roles: dict[str, str], role: str, function: str
) -> None:
    heard: list[str] = []
    with psycopg.connect(roles[role], autocommit=True) as conn:
        conn.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
        conn.execute("SET default_transaction_read_only = off")
        conn.execute(_EVIL_TABLE.encode())
        try:
            conn.execute(_TRIGGERS[function].encode())
        except InsufficientPrivilege:
            return
        assert [line for line in heard if line.startswith("runs as") and conn.info.user not in line] == []
        pytest.fail("the function hangs on a table that isn't the engine's")


def test_the_recorders_functions_have_no_rights_but_the_callers_and_no_caller_but_a_trigger(recorded: str) -> None:
    with psycopg.connect(recorded) as conn:
        functions = conn.execute(_FUNCTIONS).fetchall()

    functions = [row for row in functions if row[0].startswith("graphile_worker_")]
    assert len(functions) == 2
    assert [name for name, definer, public in functions if definer or public] == []


_OLD = """
CREATE OR REPLACE FUNCTION system_status.graphile_worker_deleted() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog AS $$ BEGIN RETURN NULL; END $$;
GRANT EXECUTE ON FUNCTION system_status.graphile_worker_deleted() TO PUBLIC;
ALTER TABLE system_status.recorded_runs DISABLE ROW LEVEL SECURITY;
"""


async def test_check_names_an_older_recorder_and_migrate_replaces_it(
    recorded: str, queue: Source, roles: dict[str, str]
) -> None:
    with psycopg.connect(recorded, autocommit=True) as conn:
        conn.execute(_OLD)
    said: list[str] = []

    checked = await run("--check", DATABASE_URL=roles["exporter"], QUEUE_ENGINE="graphile")
    migrate([queue], said.append)
    migrate([queue], said.append)
    checked_again = await run("--check", DATABASE_URL=roles["exporter"], QUEUE_ENGINE="graphile")

    assert checked.code == 1
    assert "every role can run code as the owner of the recorder's functions" in checked.output
    assert "python -m jobqueue migrate" in checked.output
    assert [line for line in said if "recorder replaced" in line] == [
        "main: recorder replaced: every role could run code as the owner of its functions"
    ]
    assert (checked_again.output, checked_again.code) == ("main: ok\n", 0)
    with psycopg.connect(recorded, autocommit=True) as conn:
        assert not any(definer or public for _, definer, public in conn.execute(_FUNCTIONS).fetchall())
        assert complete(conn) == 1
        assert recorded_runs(conn) == [("graphile_worker", "completed")]


def complete(conn: psycopg.Connection) -> int:
    """Fetch a job and complete it, as a worker does; answers how many were deleted."""
    conn.execute(
        "INSERT INTO graphile_worker._private_jobs (task_id, attempts, locked_at, locked_by)"
        " SELECT id, 1, now(), 'w' FROM graphile_worker._private_tasks"
    )
    return conn.execute("DELETE FROM graphile_worker._private_jobs").rowcount


def recorded_runs(conn: psycopg.Connection) -> list[tuple[str, str]]:
    return conn.execute("SELECT queue, state FROM system_status.recorded_runs").fetchall()


@pytest.fixture
def worker(recorded: str) -> Iterator[str]:
    """The address for a role that works on the queue without owning it, which was there before the recorder."""
    role = f"worker_{recorded.rpartition('/')[2]}"
    with psycopg.connect(recorded, autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {role} LOGIN BYPASSRLS PASSWORD 'of-the-role'".encode())
        conn.execute(
            f"GRANT USAGE ON SCHEMA graphile_worker TO {role};"
            f"GRANT ALL ON ALL TABLES IN SCHEMA graphile_worker TO {role};"
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA graphile_worker TO {role}".encode()
        )
    yield as_role(recorded, role)
    drop_roles(recorded, role)


async def test_a_workers_role_of_its_own_records_its_runs_once_check_is_heeded(
    recorded: str, queue: Source, worker: str, roles: dict[str, str]
) -> None:
    with psycopg.connect(worker, autocommit=True) as conn:
        assert complete(conn) == 1
    with psycopg.connect(recorded) as conn:
        assert recorded_runs(conn) == []

    checked = await run("--check", DATABASE_URL=roles["exporter"], QUEUE_ENGINE="graphile")
    record_completions([queue], lambda line: None)
    checked_again = await run("--check", DATABASE_URL=roles["exporter"], QUEUE_ENGINE="graphile")

    assert "may end jobs but not record them" in checked.output
    assert "python -m jobqueue migrate --record-completions" in checked.output
    assert checked_again.output == "main: ok\n"
    with psycopg.connect(worker, autocommit=True) as conn:
        assert complete(conn) == 1
    with psycopg.connect(recorded) as conn:
        assert recorded_runs(conn) == [("graphile_worker", "completed")]


def test_a_worker_cannot_touch_the_records_of_another_queue(recorded: str, queue: Source) -> None:
    role = f"other_{recorded.rpartition('/')[2]}"
    with psycopg.connect(recorded, autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'of-the-role'".encode())
        conn.execute(f"GRANT DELETE ON graphile_worker._private_jobs TO {role}".encode())
        record_completions([queue], lambda line: None)
        conn.execute(
            "INSERT INTO system_status.recorded_runs (queue, job_type, state, retries, due_at, finished_at)"
            " VALUES ('elsewhere', 'x', 'completed', 0, now(), now())"
        )
    try:
        with psycopg.connect(as_role(recorded, role), autocommit=True) as conn:
            assert conn.execute("DELETE FROM system_status.recorded_runs WHERE queue = 'elsewhere'").rowcount == 0
            with pytest.raises(InsufficientPrivilege):
                conn.execute(
                    "INSERT INTO system_status.recorded_runs (queue, job_type, state, retries, due_at, finished_at)"
                    " VALUES ('elsewhere', 'x', 'completed', 0, now(), now())"
                )
    finally:
        drop_roles(recorded, role)


async def test_a_clean_up_of_the_control_role_is_recorded(recorded: str, roles: dict[str, str]) -> None:
    control = open_engine("graphile", None).control
    with psycopg.connect(recorded, autocommit=True) as conn:
        conn.execute("SELECT graphile_worker.add_job(%s)", (MAIL,))
    async with (
        await psycopg.AsyncConnection.connect(roles["control"], autocommit=True) as acting,
        acting.transaction(),
    ):
        later = datetime.now(UTC) + timedelta(hours=1)
        assert await control.clean(acting, Cleanup.PENDING, later, 10, "") == 1

    with psycopg.connect(recorded) as conn:
        assert recorded_runs(conn) == [("graphile_worker", "cancelled")]


def another_queue(conn: psycopg.Connection, schema: str) -> None:
    """Tables like those of Graphile Worker in another schema."""
    name = sql.Identifier(schema)
    conn.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    for table in map(sql.Identifier, ("_private_jobs", "_private_tasks")):
        copied = "CREATE TABLE {}.{} (LIKE graphile_worker.{} INCLUDING DEFAULTS)"
        conn.execute(sql.SQL(copied).format(name, table, table))


def test_a_role_that_records_one_queue_is_named_where_it_does_not_record_another(recorded: str, worker: str) -> None:
    with psycopg.connect(recorded, autocommit=True) as conn:
        role = sql.Identifier(worker.partition("//")[2].partition(":")[0])
        conn.execute(sql.SQL("ALTER ROLE {} NOBYPASSRLS").format(role))
        another_queue(conn, "other")
        for queue in (
            source(recorded, engine="graphile"),
            Source("b", SecretStr(recorded), "graphile", schema="other"),
        ):
            record_completions([queue], lambda line: None)
        conn.execute(sql.SQL("GRANT DELETE ON other._private_jobs TO {}").format(role))
        recorder = open_engine("graphile", "other").recorder
        assert recorder
        unrecorded = [name for (name,) in conn.execute(recorder.unrecorded_roles).fetchall()]
        record_completions([Source("b", SecretStr(recorded), "graphile", schema="other")], lambda line: None)
        again = conn.execute(recorder.unrecorded_roles).fetchall()

    assert unrecorded == [worker.partition("//")[2].partition(":")[0]]
    assert again == []


def test_a_schema_cannot_take_the_place_of_the_policy_by_which_records_are_read(recorded: str) -> None:
    with psycopg.connect(recorded, autocommit=True) as conn:
        another_queue(conn, "system_status_read")
        queue = Source("b", SecretStr(recorded), "graphile", schema="system_status_read")
        record_completions([queue], lambda line: None)
        policies = conn.execute(
            "SELECT polname FROM pg_policy WHERE polrelid = 'system_status.recorded_runs'::regclass AND polcmd = 'r'"
        ).fetchall()

    assert policies == [("system_status_read",)]


def test_a_schema_whose_functions_would_have_cut_names_is_refused_and_an_old_recorder_there_is_found(
    recorded: str,
) -> None:
    schema = "q" * 63
    queue = Source("b", SecretStr(recorded), "graphile", schema=schema)
    with psycopg.connect(recorded, autocommit=True) as conn:
        another_queue(conn, schema)
        with pytest.raises(MigrationError, match="too long for the recorder: at most 54 bytes"):
            record_completions([queue], lambda line: None)
        conn.execute(
            sql.SQL(
                "CREATE FUNCTION system_status.{}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
                " AS 'BEGIN RETURN NULL; END'"
            ).format(sql.Identifier(f"{schema}_deleted"))
        )
        recorder = open_engine("graphile", schema).recorder
        assert recorder
        assert conn.execute(recorder.lends_rights).fetchone() == (True,)
        remove_recorders([queue], lambda line: None)
        assert conn.execute(recorder.lends_rights).fetchone() == (False,)
