"""The log of admin actions, under attack by whoever has the control role's credential."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege, UniqueViolation

from jobqueue.engines import open_engine
from jobqueue.tables.grants import control_grants

ACTION = (
    "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)"
    " VALUES ('main', 'janitor', 'token:ci', 'r1', '') RETURNING id"
)
STEP = "INSERT INTO system_status.admin_action_steps (action_id, seq, step) VALUES (%s, %s, %s)"
LEASE = "INSERT INTO system_status.admin_action_leases VALUES ('main', 'janitor', %s, now() + interval '30 s')"


@pytest.fixture
def control(roles: dict[str, str]) -> Iterator[psycopg.Connection]:
    """A session of whoever has the control role's credential."""
    with psycopg.connect(roles["control"], autocommit=True) as conn:
        yield conn


@pytest.fixture
def at_work(control: psycopg.Connection) -> int:
    """An action that holds its lease and has done its first step."""
    action_id = begun(control)
    control.execute(LEASE, [action_id])
    control.execute(STEP, (action_id, 1, "fail_stuck"))
    return action_id


def begun(control: psycopg.Connection) -> int:
    [action_id] = control.execute(ACTION).fetchone() or (0,)
    return int(action_id)


@pytest.mark.parametrize(
    "statement",
    [
        ACTION.replace("request)", "request, at)").replace("'')", "'', '2020-01-01')"),
        ACTION.replace("request)", "request, id) OVERRIDING SYSTEM VALUE").replace("'')", "'', 1000)"),
        STEP.replace("step)", "step, at)").replace("(%s, %s, %s)", "(1, 1, 'done', '2020-01-01')"),
        "SELECT setval(pg_get_serial_sequence('system_status.admin_actions', 'id'), 1000)",
        "ALTER TABLE system_status.admin_action_steps DISABLE TRIGGER ALL",
    ],
    ids=["date", "number", "date of a step", "next number", "checks"],
)
def test_the_control_role_can_give_a_row_of_the_log_neither_a_time_nor_a_number_of_its_own(
    control: psycopg.Connection, statement: str
) -> None:
    with pytest.raises(InsufficientPrivilege):
        control.execute(statement.encode())


@pytest.mark.parametrize("step", ["fail_stuck", "done", "interrupted"])
@pytest.mark.parametrize("seq", [-1, 0, 2, 3, 100])
def test_nothing_can_be_added_to_an_action_that_has_ended(
    control: psycopg.Connection, at_work: int, seq: int, step: str
) -> None:
    control.execute(STEP, (at_work, 2, "done"))

    with pytest.raises((CheckViolation, UniqueViolation)):
        control.execute(STEP, (at_work, seq, step))


@pytest.mark.parametrize("later", ["done", "failed", "interrupted"])
def test_an_action_has_one_end_which_no_later_one_replaces(
    control: psycopg.Connection, at_work: int, later: str
) -> None:
    control.execute(STEP, (at_work, 2, "done"))

    with pytest.raises(CheckViolation, match="has ended"):
        control.execute(STEP, (at_work, 3, later))
    ends = control.execute("SELECT step FROM system_status.admin_action_steps WHERE step <> 'fail_stuck'").fetchall()
    assert ends == [("done",)]


@pytest.mark.parametrize("seq", [-1, 0, 1, 3, 2**31 - 1])
def test_the_steps_of_an_action_are_numbered_one_by_one(control: psycopg.Connection, at_work: int, seq: int) -> None:
    with pytest.raises((CheckViolation, UniqueViolation)):
        control.execute(STEP, (at_work, seq, "delete_failed"))

    control.execute(STEP, (at_work, 2, "delete_failed"))


def test_a_step_belongs_to_an_action_that_holds_its_lease(control: psycopg.Connection) -> None:
    action_id = begun(control)

    with pytest.raises(CheckViolation, match="holds no lease"):
        control.execute(STEP, (action_id, 1, "fail_stuck"))
    with pytest.raises(CheckViolation, match="holds no lease"):
        control.execute(STEP, (action_id + 1, 1, "fail_stuck"))


def test_a_step_and_an_end_at_the_same_moment_leave_one_of_them(
    control: psycopg.Connection, roles: dict[str, str], at_work: int
) -> None:
    with psycopg.connect(roles["control"]) as other, ThreadPoolExecutor(1) as meanwhile:
        with control.transaction():
            control.execute(STEP, (at_work, 2, "done"))
            adding = meanwhile.submit(other.execute, STEP, (at_work, 2, "delete_failed"))
            waiting = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
            while control.execute(waiting, [other.info.backend_pid]).fetchone() != (True,):
                assert not adding.done()
        with pytest.raises(UniqueViolation):
            adding.result()


TEXTS = {"source": 63, "action": 40, "actor": 261, "request_id": 600, "request": 64, "job_type": 500}
NONSENSE = [
    *((column, "a" * (longest + 1)) for column, longest in TEXTS.items()),
    *((column, "") for column in TEXTS if column != "request"),
    ("actor", "nobody"),
    ("actor", "token:a\nb"),
    ("actor", "token:" + "a" * 256),
    ("action", "Run now"),
    ("before", "infinity"),
    ("before", "-infinity"),
    ("before", "1969-12-31 23:59:59+00"),
]


@pytest.mark.parametrize(("column", "value"), NONSENSE, ids=lambda text: text[:20])
def test_the_log_takes_no_row_of_an_impossible_form_from_the_control_role(
    control: psycopg.Connection, column: str, value: str
) -> None:
    row = {"source": "main", "action": "run", "actor": "token:ci", "request_id": "r", "request": "", column: value}
    columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)

    with pytest.raises(CheckViolation):
        control.execute(f"INSERT INTO system_status.admin_actions ({columns}) VALUES ({values})".encode(), row)


def test_an_action_touches_nothing_that_came_after_it_began(control: psycopg.Connection) -> None:
    with pytest.raises(CheckViolation, match="before"):
        control.execute(
            "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request, before)"
            " VALUES ('main', 'run', 'token:ci', 'r', '', now() + interval '1 microsecond')"
        )


@pytest.mark.parametrize(
    ("column", "value"), [("changed", -1), ("changed", 2**62), ("step", "a" * 41), ("note", "a" * 2001)]
)
def test_a_step_of_the_log_has_a_count_of_rows_and_short_texts(
    control: psycopg.Connection, at_work: int, column: str, value: object
) -> None:
    row = {"action_id": at_work, "seq": 2, "step": "fail_stuck", column: value}
    columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)

    with pytest.raises(CheckViolation):
        control.execute(f"INSERT INTO system_status.admin_action_steps ({columns}) VALUES ({values})".encode(), row)


def test_the_control_roles_credential_can_write_a_new_row_of_the_log_in_anybodys_name(
    migrated: str, control: psycopg.Connection
) -> None:
    control.execute(ACTION.replace("token:ci", "grafana:ann"))

    with psycopg.connect(migrated) as owner:
        row = owner.execute("SELECT actor, now() - at < '1 hour' FROM system_status.admin_actions").fetchone()
    assert row == ("grafana:ann", True)


def test_grants_takes_back_what_an_older_version_granted_however_often_it_is_run(
    migrated: str, control: psycopg.Connection
) -> None:
    role, dated = control.info.user, ACTION.replace("request)", "request, at)").replace("'')", "'', '2020-01-01')")
    tables = "system_status.admin_actions, system_status.admin_action_steps"
    printed = "\n".join(control_grants(open_engine("ascent", None), role))
    with psycopg.connect(migrated, autocommit=True) as owner:
        owner.execute(f"GRANT INSERT ON {tables} TO {role}".encode())
        control.execute(dated.encode())
        owner.execute(printed.encode())
        owner.execute(printed.encode())

    with pytest.raises(InsufficientPrivilege):
        control.execute(dated.replace("r1", "r2").encode())
    control.execute(ACTION.replace("r1", "r2").encode())


def test_the_control_role_can_date_a_new_row_back_by_as_long_as_its_transaction_has_been_open(
    roles: dict[str, str],
) -> None:
    with psycopg.connect(roles["control"]) as conn:
        conn.execute("SELECT pg_sleep(0.2)")
        conn.execute(
            "INSERT INTO system_status.admin_actions (source, action, actor, request_id, request)"
            " VALUES ('main', 'janitor', 'token:ci', 'late', '')"
        )
        row = conn.execute(
            "SELECT clock_timestamp() - at >= interval '0.2 s' FROM system_status.admin_actions"
        ).fetchone()

    assert row == (True,)
