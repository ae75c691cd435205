"""The log of admin actions against the credential of the control API's role, and against rows that nobody foresaw."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg.errors import CheckViolation, ForeignKeyViolation, InsufficientPrivilege

from jobqueue.tables.grants import grants
from tests.control_api.service import HTML, Service, serving
from tests.exporter.scrape import source
from tests.security.roles import drop_roles

_ACTION = """
INSERT INTO system_status.admin_actions (source, action, actor, request_id, request, before)
VALUES ('main', 'janitor', 'token:ci', 'r1', '', now())
"""
_STEP = "INSERT INTO system_status.admin_action_steps (action_id, seq, step, changed, note) VALUES "
_FORGED = {
    "a time of its own": (
        InsufficientPrivilege,
        (
            "INSERT INTO system_status.admin_actions (at, source, action, actor, request_id, request)"
            " VALUES ('2020-01-01', 'main', 'janitor', 'token:ci', 'r2', '')"
        ),
    ),
    "an id of its own": (
        InsufficientPrivilege,
        (
            "INSERT INTO system_status.admin_actions (id, source, action, actor, request_id, request)"
            " OVERRIDING SYSTEM VALUE VALUES (7, 'main', 'janitor', 'token:ci', 'r2', '')"
        ),
    ),
    "a step's time of its own": (
        InsufficientPrivilege,
        "INSERT INTO system_status.admin_action_steps (action_id, seq, step, at) VALUES (1, 3, 'done', '2020-01-01')",
    ),
    "a step after the end": (CheckViolation, _STEP + "(1, 3, 'delete_completed', 1000, NULL)"),
    "a step before the first": (CheckViolation, _STEP + "(2, -1, 'delete_completed', 1000, NULL)"),
    "a step left out": (CheckViolation, _STEP + "(2, 5, 'delete_completed', 1000, NULL)"),
    "fewer rows than none": (CheckViolation, _STEP + "(2, 1, 'delete_completed', -5, NULL)"),
    "a step of no action": (ForeignKeyViolation, _STEP + "(99, 1, 'delete_completed', 5, NULL)"),
    "a step without a name": (CheckViolation, _STEP + "(2, 1, '<script>', 5, NULL)"),
    "a note of a megabyte": (CheckViolation, _STEP + "(2, 1, 'done', 0, repeat('x', 1000000))"),
    "an actor of no kind": (CheckViolation, _ACTION.replace("token:ci", "root").replace("r1", "r2")),
    "an actor of a megabyte": (
        CheckViolation,
        _ACTION.replace("'token:ci'", "'token:' || repeat('x', 1000000)").replace("r1", "r2"),
    ),
    "an action with spaces": (CheckViolation, _ACTION.replace("janitor", "drop everything").replace("r1", "r2")),
    "a moment to come": (CheckViolation, _ACTION.replace("now()", "now() + interval '1 day'").replace("r1", "r2")),
    "an infinite moment": (CheckViolation, _ACTION.replace("now()", "'-infinity'").replace("r1", "r2")),
}


@pytest.fixture
def control(roles: dict[str, str]) -> Iterator[psycopg.Connection]:
    """A session with the control API's credential; action 1 has ended, action 2 is at work."""
    with psycopg.connect(roles["control"], autocommit=True) as conn:
        conn.execute(_ACTION.encode())
        conn.execute((_STEP + "(1, 1, 'delete_completed', 3, NULL)").encode())
        conn.execute((_STEP + "(1, 2, 'done', 0, NULL)").encode())
        conn.execute(_ACTION.replace("r1", "r0").encode())
        yield conn


@pytest.mark.parametrize("forgery", _FORGED)
def test_the_log_takes_no_row_from_the_control_role_that_cannot_be_true(
    control: psycopg.Connection, forgery: str
) -> None:
    refused, statement = _FORGED[forgery]

    with pytest.raises(refused):
        control.execute(statement.encode())


def test_an_action_has_one_end_which_no_later_one_replaces(control: psycopg.Connection) -> None:
    assert control.execute((_STEP + "(1, 3, 'failed', 0, NULL)").encode()).rowcount == 0
    assert control.execute(
        "SELECT step FROM system_status.admin_action_steps WHERE action_id = 1 ORDER BY seq"
    ).fetchall() == [("delete_completed",), ("done",)]


def test_the_control_roles_credential_can_write_a_new_row_of_the_log_in_anybodys_name(
    control: psycopg.Connection,
) -> None:
    control.execute(_ACTION.replace("token:ci", "grafana:ann").replace("r1", "r2").encode())


def test_rights_that_an_older_version_granted_are_taken_back(migrated: str, roles: dict[str, str]) -> None:
    role = roles["control"].partition("//")[2].partition(":")[0]
    with psycopg.connect(migrated, autocommit=True) as owner:
        owner.execute(f"GRANT INSERT ON system_status.admin_actions TO {role}".encode())
        owner.execute(f"GRANT SELECT ON ascent.schedules, ascent.workers TO {role}".encode())
        owner.execute("\n".join(grants([source(migrated)], "exporter_x", role, "grafana_x")).encode())
    try:
        with psycopg.connect(roles["control"], autocommit=True) as conn, pytest.raises(InsufficientPrivilege):
            conn.execute(_FORGED["a time of its own"][1].encode())
    finally:
        drop_roles(migrated, "exporter_x", "grafana_x")


_UNFORESEEN = {
    "an action of another version": (
        "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)"
        " VALUES ('main', 'retry-failed', 'token:ci', 'r', '')"
    ),
    "a time without end": (
        "ALTER TABLE system_status.admin_actions DROP CONSTRAINT admin_actions_times;"
        "INSERT INTO system_status.admin_actions (at, source, action, actor, request_id, request, before)"
        " VALUES ('infinity', 'main', 'janitor', 'token:ci', 'r', '', '-infinity')"
    ),
    "a time before Christ": (
        "ALTER TABLE system_status.admin_actions DROP CONSTRAINT admin_actions_times;"
        "INSERT INTO system_status.admin_actions (at, source, action, actor, request_id, request)"
        " VALUES ('4000-01-01 BC', 'main', 'janitor', 'token:ci', 'r', '')"
    ),
    "an end without end, and steps that nobody knows": (
        "ALTER TABLE system_status.admin_action_steps DROP CONSTRAINT admin_action_steps_times,"
        " DROP CONSTRAINT admin_action_steps_texts, DROP CONSTRAINT admin_action_steps_numbers;"
        "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)"
        " VALUES ('main', 'janitor', 'token:ci', 'r', '');"
        "INSERT INTO system_status.admin_action_steps (action_id, seq, step, changed, at)"
        " VALUES (1, 1, '<b>', 9223372036854775807, now());"
        "INSERT INTO system_status.admin_action_steps (action_id, seq, step, changed, at)"
        " VALUES (1, 2, '<b>', 9223372036854775807, now());"
        "INSERT INTO system_status.admin_action_steps (action_id, seq, step, changed, at)"
        " VALUES (1, 3, 'done', 0, 'infinity')"
    ),
    "texts without end": (
        "ALTER TABLE system_status.admin_actions DROP CONSTRAINT admin_actions_texts;"
        "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request, job_type) VALUES"
        " ('main', repeat('a', 100000), repeat('b', 100000), 'r', '', repeat('c', 100000))"
    ),
}


@pytest.fixture
async def served(migrated: str, roles: dict[str, str]) -> AsyncIterator[Service]:
    async with serving({"main": roles["control"]}) as service:
        yield service


@pytest.mark.parametrize("row", _UNFORESEEN)
async def test_a_row_of_the_log_that_nobody_foresaw_hides_no_other_and_fails_no_page(
    migrated: str, served: Service, row: str
) -> None:
    with psycopg.connect(migrated, autocommit=True) as owner:
        owner.execute(_UNFORESEEN[row].encode())
    janitor = await served.post("/control/main/janitor", data={"request_id": "mine"})

    for path in ("/control/", "/control/audit", "/control/audit/main-1", "/control/main/janitor", "/readyz"):
        assert (await served.get(path)).status == 200, path
        assert (await served.get(path, HTML)).status == 200, path
    assert janitor.status in (200, 202)
    listed = await (await served.get("/control/audit")).json()
    assert {entry["request_id"] for entry in listed["entries"]} >= {"r", "mine"}
    assert len(await (await served.get("/control/audit", HTML)).text()) < 50_000
