"""Our tables are made once, whoever asks how often and from where; and what can't be done is said in a line."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from jobqueue.config import Source
from jobqueue.tables.connection import MigrationError
from jobqueue.tables.migrate import Migration, migrate, migrations
from tests.conftest import Server


def source(address: str, name: str = "main", schema: str | None = None) -> Source:
    return Source(name=name, dsn=SecretStr(address), schema=schema)


def quietly(line: str) -> None:
    pass


def test_migrating_twice_changes_nothing_the_second_time(database: str) -> None:
    said: list[str] = []

    migrate([source(database)], quietly)
    migrate([source(database)], said.append)

    assert "main: tables up to date" in said


@pytest.mark.parametrize("migration", migrations(), ids=lambda migration: migration.name)
def test_a_migration_can_be_said_in_every_encoding_but_for_its_comments(migration: Migration) -> None:
    statements = re.sub(r"--.*", "", migration.text)

    assert statements.isascii()


def test_migrating_from_many_places_at_once_makes_the_tables_once(database: str) -> None:
    with ThreadPoolExecutor(8) as places:
        list(places.map(lambda _: migrate([source(database)], quietly), range(8)))

    with psycopg.connect(database) as conn:
        applied = conn.execute("SELECT version FROM system_status.migrations").fetchall()
    assert applied == [(migration.version,) for migration in migrations()]


def test_a_newer_database_is_left_alone(database: str) -> None:
    migrate([source(database)], quietly)
    with psycopg.connect(database) as conn:
        conn.execute("INSERT INTO system_status.migrations VALUES (999, '0999_future', 'x')")

    with pytest.raises(MigrationError, match="version 999, newer than this program"):
        migrate([source(database)], quietly)


def test_a_migration_that_was_changed_afterwards_is_named(database: str) -> None:
    migrate([source(database)], quietly)
    with psycopg.connect(database) as conn:
        conn.execute("UPDATE system_status.migrations SET checksum = 'x'")

    with pytest.raises(MigrationError, match="migration 0001_counting"):
        migrate([source(database)], quietly)


def test_a_database_without_the_queue_is_named_and_says_what_is_missing(empty_database: str) -> None:
    with pytest.raises(MigrationError, match=r"main: no ascent queue in schema ascent of database .* none that"):
        migrate([source(empty_database)], quietly)


def test_the_view_has_one_shape_and_both_sources_of_a_database(database: str) -> None:
    with psycopg.connect(database) as conn:
        conn.execute(
            "INSERT INTO ascent.jobs (job_type, run_after) VALUES ('later', now() + interval '1 hour'), ('now', now())"
        )

    migrate([source(database), source(database, "again")], quietly)

    with psycopg.connect(database) as conn:
        rows = conn.execute("SELECT * FROM system_status.recent_jobs ORDER BY source, job_type")
        columns = [column.name for column in rows.description or []]
        assert columns == [
            "source", "job_id", "job_type", "state", "created_at", "started_at", "finished_at", "retries", "priority",
            "worker",
        ]  # fmt: skip
        assert [(row[0], row[2], row[3]) for row in rows] == [
            ("again", "later", "scheduled"),
            ("again", "now", "pending"),
            ("main", "later", "scheduled"),
            ("main", "now", "pending"),
        ]


@pytest.fixture
def roles(server: Server, database: str) -> Iterator[tuple[str, str, str]]:
    """Three roles with exactly what ``grants`` prints."""
    exporter, control, grafana = (f"{name}_{uuid4().hex[:8]}" for name in ("exporter", "control", "grafana"))
    environment = {**os.environ, "DATABASE_URL": database}
    program = [sys.executable, "-m", "jobqueue"]
    subprocess.run([*program, "migrate"], env=environment, check=True, capture_output=True)
    printed = subprocess.run(
        [*program, "grants", "--exporter", exporter, "--control", control, "--grafana", grafana],
        env=environment,
        check=True,
        capture_output=True,
    ).stdout
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(printed)
        conn.execute(printed)  # safe to run twice
    yield exporter, control, grafana
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(f"DROP OWNED BY {exporter}, {control}, {grafana}".encode())
        conn.execute(f"DROP ROLE {exporter}, {control}, {grafana}".encode())


FORBIDDEN_TO_EXPORTER = [
    "SELECT payload FROM ascent.jobs",
    "SELECT last_error FROM ascent.jobs",
    "SELECT payload FROM ascent.schedules",
    "UPDATE ascent.jobs SET state = 'failed'",
    "DELETE FROM ascent.jobs",
    "INSERT INTO ascent.jobs (job_type) VALUES ('x')",
    "UPDATE ascent.schedules SET enabled = false",
    "DELETE FROM system_status.migrations",
    "CREATE TABLE system_status.mine ()",
]
FORBIDDEN_TO_CONTROL = [
    "SELECT payload FROM ascent.jobs",
    "UPDATE ascent.jobs SET payload = '{}'",
    "DELETE FROM ascent.schedules",
    "UPDATE ascent.schedules SET enabled = false",
    "UPDATE system_status.admin_actions SET actor = 'nobody'",
    "DELETE FROM system_status.admin_actions",
    "TRUNCATE system_status.admin_actions CASCADE",
    "DELETE FROM system_status.admin_action_steps",
    "UPDATE system_status.api_tokens SET allow = '{run}'",
    "DELETE FROM system_status.run_minutes",
]
FORBIDDEN_TO_GRAFANA = [
    "SELECT 1 FROM ascent.jobs",
    "SELECT * FROM system_status.run_minutes",
    "DELETE FROM system_status.run_minutes",
    "INSERT INTO system_status.sources VALUES ('x')",
]


def test_the_roles_that_grants_prints_can_do_their_work_and_nothing_else(
    database: str, roles: tuple[str, str, str]
) -> None:
    exporter, control, grafana = roles
    with psycopg.connect(database, autocommit=True) as conn:
        for role, allowed, forbidden in (
            (exporter, "SELECT count(*) FROM ascent.jobs WHERE state = 'active'", FORBIDDEN_TO_EXPORTER),
            (control, "SELECT * FROM system_status.admin_actions", FORBIDDEN_TO_CONTROL),
            (grafana, "SELECT * FROM system_status.recent_jobs", FORBIDDEN_TO_GRAFANA),
        ):
            conn.execute(f"SET ROLE {role}".encode())
            conn.execute(allowed.encode())
            for statement in forbidden:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(statement.encode())
            conn.execute("RESET ROLE")


def test_names_that_need_quotes_survive_in_what_grants_prints(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute('ALTER SCHEMA ascent RENAME TO "it""s; DROP"')
    environment = {**os.environ, "DATABASE_URL": database, "QUEUE_SCHEMA": 'it"s; DROP'}
    program = [sys.executable, "-m", "jobqueue"]

    migrated = subprocess.run([*program, "migrate"], env=environment, capture_output=True, text=True)
    printed = subprocess.run([*program, "grants"], env=environment, capture_output=True, text=True)

    assert (migrated.returncode, migrated.stderr) == (0, "")
    assert '"it""s; DROP"."jobs"' in printed.stdout


def test_a_log_with_two_ends_of_one_action_keeps_the_first(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    every = migrations()
    monkeypatch.setattr("jobqueue.tables.migrate.migrations", lambda: every[:2])
    for later in ("_take_names", "make_view"):
        monkeypatch.setattr(f"jobqueue.tables.migrate.{later}", lambda *_: None)
    migrate([source(database)], quietly)
    with psycopg.connect(database) as conn:
        conn.execute(
            "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)"
            " VALUES ('main', 'janitor', 'token:ci', 'r1', ''), ('eu', 'janitor', 'token:ci', 'r2', '')"
        )
        conn.execute(
            "INSERT INTO system_status.admin_action_steps (action_id, seq, step) VALUES"
            " (1, 1, 'fail_stuck'), (1, 2, 'done'), (1, 3, 'interrupted'), (1, 4, 'failed'), (2, 1, 'interrupted')"
        )

    monkeypatch.undo()
    migrate([source(database)], quietly)

    with psycopg.connect(database) as conn:
        steps = "SELECT action_id, seq, step FROM system_status.admin_action_steps ORDER BY action_id, seq"
        assert conn.execute(steps).fetchall() == [(1, 1, "fail_stuck"), (1, 2, "done"), (2, 1, "interrupted")]
        with pytest.raises(psycopg.errors.CheckViolation), conn.transaction():
            conn.execute(
                "INSERT INTO system_status.admin_action_steps (action_id, seq, step) VALUES (1, 9, 'interrupted')"
            )
        # The same id for another source is another request.
        conn.execute(
            "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)"
            " VALUES ('eu', 'janitor', 'token:ci', 'r1', '')"
        )
