"""The roles of exporter and control API, on every engine, by PostgreSQL's catalog and by trying."""

from collections.abc import Callable, Iterable, Iterator

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from jobqueue.config import Source
from jobqueue.engines import open_engine
from tests.conftest import Server
from tests.docs.pages import ROOT
from tests.exporter.scrape import source
from tests.security.catalog import readable_columns, writable_tables
from tests.security.queues import kind, queue, roles
from tests.security.roles import least_privileged

__all__ = ["kind", "queue", "roles"]

_SECRET = {
    "ascent": {"jobs.payload", "jobs.last_error", "schedules.payload"},
    "graphile": {"_private_jobs.payload", "_private_jobs.last_error", "jobs.last_error"},
    "oban": {"oban_jobs.args", "oban_jobs.errors", "oban_jobs.meta"},
    "pgboss": {"job.data", "job.output", "schedule.data"},
    "pgqueuer": {"pgqueuer.payload", "pgqueuer_log.traceback"},
    "procrastinate": {"procrastinate_jobs.args"},
    "river": {"river_job.args", "river_job.errors", "river_job.metadata"},
}
"""The columns in which an engine keeps what a job was given, and what became of it."""
_READ_BY_EXPORTER = {"oban": {"oban_jobs.meta"}, "river": {"river_job.metadata"}}
"""Columns that tell a tick from another job."""
_COUNTING = {"sources", "run_minutes", "run_ends", "schedule_changes"}
_FLAGS = """
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls,
       EXISTS (SELECT FROM pg_shdepend
                WHERE refclassid = 'pg_authid'::regclass AND refobjid = pg_roles.oid AND deptype = 'o'),
       EXISTS (SELECT FROM pg_namespace WHERE has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'CREATE')),
       EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)
  FROM pg_roles
 WHERE rolname = %s
"""


@pytest.fixture
def address(server: Server, template_of: Callable[[str], str], kind: str) -> Iterator[str]:
    name = server.create_database(template_of(kind))
    yield server.url(name)
    server.drop_database(name)


def secrets_read(address: str, queue: Source, role: str) -> set[str]:
    """The secret columns of the engine that a role may read."""
    schema = open_engine(queue.engine, None).schema
    read = readable_columns(address, name(role), schema)
    return {f"{table.rpartition('.')[2]}.{column}" for table, column in read} & _SECRET[queue.engine]


def name(address: str) -> str:
    return address.partition("//")[2].partition(":")[0]


def test_the_secret_columns_are_those_of_the_engine(address: str, queue: Source) -> None:
    schema = open_engine(queue.engine, None).schema

    there = readable_columns(address, "postgres", schema)

    assert {f"{table.rpartition('.')[2]}.{column}" for table, column in there} >= _SECRET[queue.engine]


def test_the_exporters_role_reads_no_payload_and_no_error_but_the_metadata_of_oban_and_river(
    address: str, queue: Source, roles: dict[str, str]
) -> None:
    assert secrets_read(address, queue, roles["exporter"]) == _READ_BY_EXPORTER.get(queue.engine, set())


def test_the_exporters_role_can_change_its_counts_and_no_row_of_a_queue(
    address: str, queue: Source, roles: dict[str, str]
) -> None:
    schema = open_engine(queue.engine, None).schema

    writable = writable_tables(address, name(roles["exporter"]), schema, "system_status", "public")

    assert writable == {f"system_status.{table}" for table in _COUNTING}


def test_the_control_role_reads_the_payloads_and_errors_that_the_table_names_and_no_others(
    address: str, queue: Source, roles: dict[str, str]
) -> None:
    assert secrets_read(address, queue, roles["control"]) == documented(queue.engine)


def documented(engine: str) -> set[str]:
    """The columns that docs/security.md says the control role reads."""
    rows = [line.split("|") for line in (ROOT / "docs/security.md").read_text("utf-8").splitlines() if "|" in line]
    [columns] = [cells[2] for cells in rows if cells[1].strip() == f"`{engine}`"]
    return {column.strip().strip("`") for column in columns.split(",")} - {"none"}


def test_the_control_role_can_change_no_schedule(address: str, queue: Source, roles: dict[str, str]) -> None:
    schema = open_engine(queue.engine, None).schema

    writable = writable_tables(address, name(roles["control"]), schema)

    assert [table for table in writable if "schedule" in table] == []


def assert_refused(address: str, statements: Iterable[str]) -> None:
    with psycopg.connect(address, autocommit=True) as conn:
        for statement in statements:
            with pytest.raises(InsufficientPrivilege):
                conn.execute(statement.encode())


def test_the_control_role_can_add_to_the_log_but_change_or_delete_nothing_in_it(roles: dict[str, str]) -> None:
    statements = (
        "UPDATE system_status.admin_actions SET actor = 'token:ci'",
        "DELETE FROM system_status.admin_actions",
        "UPDATE system_status.admin_action_steps SET changed = 0",
        "DELETE FROM system_status.admin_action_steps",
        "TRUNCATE system_status.admin_actions CASCADE",
    )
    assert_refused(roles["control"], statements)


def test_the_control_role_can_make_or_change_no_token(roles: dict[str, str]) -> None:
    statements = (
        "INSERT INTO system_status.api_tokens (name, hash, allow) VALUES ('x', '', '{}')",
        "UPDATE system_status.api_tokens SET revoked_at = NULL",
        "DELETE FROM system_status.api_tokens",
    )
    assert_refused(roles["control"], statements)


@pytest.mark.parametrize("role", ["exporter", "control", "grafana"])
def test_no_role_of_ours_owns_an_object_makes_one_for_others_or_is_a_member_of_another_role(
    address: str, roles: dict[str, str], role: str
) -> None:
    with psycopg.connect(address) as conn:
        found = conn.execute(_FLAGS, (name(roles[role]),)).fetchone()

    assert found == (False, False, False, False)


def test_no_function_of_ours_lends_the_rights_of_its_owner_or_can_be_called_by_every_role(address: str) -> None:
    with psycopg.connect(address) as conn:
        functions = conn.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'system_status'::regnamespace"
            " AND (prosecdef OR has_function_privilege('public', oid, 'EXECUTE'))"
        ).fetchall()

    assert functions == []


def test_the_control_role_can_queue_fail_cancel_and_delete_any_job(migrated: str) -> None:
    with least_privileged(migrated, [source(migrated)]) as addresses, psycopg.connect(addresses["control"]) as conn:
        conn.execute("INSERT INTO ascent.jobs (job_type, payload) VALUES ('any', '{\"any\": true}')")
        for state in ("failed", "cancelled"):
            changed = conn.execute(
                "UPDATE ascent.jobs SET state = %s, finished_at = now() WHERE job_type = 'any'", (state,)
            )
            assert changed.rowcount == 1
        assert conn.execute("DELETE FROM ascent.jobs WHERE job_type = 'any'").rowcount == 1
