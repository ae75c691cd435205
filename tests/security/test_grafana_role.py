"""The role of Grafana's data source, whose SQL is anything that a viewer writes."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, OperationalError

from jobqueue.tables.connection import MigrationError
from jobqueue.tables.grants import reader_limits
from jobqueue.tables.migrate import migrate
from tests.exporter.scrape import source
from tests.security.catalog import readable_columns, writable_tables

_FORBIDDEN = {
    "queue": "SELECT job_type FROM ascent.jobs",
    "counts": "SELECT * FROM system_status.run_minutes",
    "log": "SELECT * FROM system_status.admin_actions",
    "tokens": "SELECT * FROM system_status.api_tokens",
    "migrations": "SELECT * FROM system_status.migrations",
    "lock": "BEGIN; LOCK TABLE system_status.migrations IN ACCESS SHARE MODE",
    "schema": "CREATE TABLE system_status.mine (x int)",
    "files": "SELECT pg_read_file('PG_VERSION')",
    "programs": "COPY (SELECT 1) TO PROGRAM 'true'",
    "other sessions": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user",
    "settings": "ALTER SYSTEM SET work_mem = '1GB'",
    "connections": "ALTER ROLE CURRENT_USER CONNECTION LIMIT 1000",
}


@pytest.fixture
def viewer(roles: dict[str, str]) -> Iterator[psycopg.Connection]:
    """A session whose viewer has switched off what can be switched off."""
    with psycopg.connect(roles["grafana"], autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = off")
        conn.execute("SET statement_timeout = 0")
        conn.execute("SET idle_in_transaction_session_timeout = 0")
        yield conn


def test_grafanas_role_reads_the_view_recent_jobs_and_nothing_else_of_ours_or_of_the_queue(
    migrated: str, roles: dict[str, str], viewer: psycopg.Connection
) -> None:
    assert viewer.execute("SELECT count(*) FROM system_status.recent_jobs").fetchone() == (0,)
    assert {table for table, _ in readable_columns(migrated, viewer.info.user, "ascent", "system_status")} == {
        "system_status.recent_jobs"
    }


def test_grafanas_role_can_change_no_row(migrated: str, viewer: psycopg.Connection) -> None:
    assert writable_tables(migrated, viewer.info.user, "ascent", "system_status", "public") == set()


@pytest.mark.parametrize("forbidden", _FORBIDDEN)
def test_grafanas_role_is_refused_whatever_else_a_viewer_tries(viewer: psycopg.Connection, forbidden: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        viewer.execute(_FORBIDDEN[forbidden].encode())


def test_grafanas_role_has_at_most_ten_connections(roles: dict[str, str]) -> None:
    sessions = [psycopg.connect(roles["grafana"]) for _ in range(10)]
    try:
        with pytest.raises(OperationalError, match="too many connections for role"):
            psycopg.connect(roles["grafana"])
    finally:
        for session in sessions:
            session.close()


def test_a_viewers_statement_ends_after_thirty_seconds_unless_the_viewer_turns_that_off(
    roles: dict[str, str], viewer: psycopg.Connection
) -> None:
    names = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout", "transaction_read_only")
    with psycopg.connect(roles["grafana"]) as conn:
        limits = [conn.execute(f"SHOW {name}".encode()).fetchone() for name in names]
        newer = conn.info.server_version >= 170_000
        longest = conn.execute("SHOW transaction_timeout").fetchone() if newer else ("1min",)

    assert (limits, longest) == ([("30s",), ("30s",), ("2s",), ("on",)], ("1min",))
    assert viewer.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_migrate_waits_ten_seconds_for_a_viewer_who_holds_the_view_and_then_names_the_session(
    migrated: str, viewer: psycopg.Connection
) -> None:
    with viewer.transaction():
        viewer.execute("SELECT FROM system_status.recent_jobs")

        with pytest.raises(MigrationError) as refused:
            migrate([source(migrated)], lambda line: None)

    said = str(refused.value)
    assert f"locked by session {viewer.info.backend_pid} of role {viewer.info.user} (idle in transaction)" in said
    assert f"pg_terminate_backend({viewer.info.backend_pid})" in said
    migrate([source(migrated)], lambda line: None)


def test_no_lock_that_a_viewer_can_take_keeps_migrate_from_its_turn(migrated: str, viewer: psycopg.Connection) -> None:
    viewer.execute("SELECT pg_advisory_lock(6437705813687795713)")  # which an older version of migrate waited for
    with pytest.raises(InsufficientPrivilege), viewer.transaction():
        viewer.execute("LOCK TABLE system_status.migrations IN SHARE ROW EXCLUSIVE MODE")

    migrate([source(migrated)], lambda line: None)


def test_a_viewer_can_hold_the_view_and_make_the_owners_change_of_the_queues_tables_wait(
    migrated: str, viewer: psycopg.Connection
) -> None:
    with viewer.transaction(), psycopg.connect(migrated) as owner:
        viewer.execute("SELECT FROM system_status.recent_jobs")
        owner.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            owner.execute("ALTER TABLE ascent.jobs ADD COLUMN more text")


def test_a_viewer_can_change_the_password_of_grafanas_role(roles: dict[str, str], viewer: psycopg.Connection) -> None:
    viewer.execute("ALTER ROLE CURRENT_USER PASSWORD 'of-the-viewer'")


def test_a_viewer_can_change_the_settings_of_grafanas_role_for_every_later_viewer_until_grants_is_run_again(
    migrated: str, roles: dict[str, str], viewer: psycopg.Connection
) -> None:
    viewer.execute("ALTER ROLE CURRENT_USER RESET ALL")
    viewer.execute("ALTER ROLE CURRENT_USER SET timezone = 'Pacific/Auckland'")
    role = viewer.info.user

    def settings() -> list[tuple[str, ...] | None]:
        with psycopg.connect(roles["grafana"]) as later:
            return [later.execute(f"SHOW {name}".encode()).fetchone() for name in ("statement_timeout", "timezone")]

    changed = settings()
    with psycopg.connect(migrated, autocommit=True) as owner:
        owner.execute("\n".join(reader_limits(role)).encode())

    assert changed == [("0",), ("Pacific/Auckland",)]
    assert settings()[0] == ("30s",)
    assert settings()[1] != ("Pacific/Auckland",)


_OF_EVERYBODY = {
    "temporary tables": "CREATE TEMPORARY TABLE mine (x int)",
    "large objects": "SELECT lo_from_bytea(0, 'x')",
    "notifications": "SELECT pg_notify('pgboss', 'x')",
    "sleep": "SELECT pg_sleep(0)",
}


@pytest.mark.parametrize("right", _OF_EVERYBODY)
def test_a_viewer_can_make_temporary_tables_and_large_objects_notify_and_sleep_as_every_role(
    viewer: psycopg.Connection, right: str
) -> None:
    viewer.execute(_OF_EVERYBODY[right].encode())


def test_the_statements_that_grants_offers_in_comments_take_these_rights_away(
    migrated: str, viewer: psycopg.Connection
) -> None:
    offered = offers()
    with psycopg.connect(migrated, autocommit=True) as owner:
        owner.execute(offered.encode())
    for statement in _OF_EVERYBODY.values():
        with pytest.raises(InsufficientPrivilege):
            viewer.execute(statement.encode())


def offers() -> str:
    """The SQL that ``grants`` prints in comments: from the first statement in them to the last semicolon."""
    lines = [line.removeprefix("-- ") for line in "\n".join(reader_limits("r")).splitlines() if line.startswith("-- ")]
    statements = "\n".join(lines)
    return statements[statements.index("DO $body$") : statements.rindex(";") + 1]
