"""The recorder of completions lends its owner's rights to no role."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from jobqueue.config import Source
from jobqueue.tables.migrate import migrate
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
        conn.execute(_EVIL_TABLE.encode())
        try:
            conn.execute(_TRIGGERS[function].encode())
        except InsufficientPrivilege:
            return
        assert [line for line in heard if line.startswith("runs as") and conn.info.user not in line] == []
        pytest.fail("the function hangs on a table that isn't the engine's")
