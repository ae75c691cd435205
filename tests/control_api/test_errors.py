"""What goes wrong in the database is said, and no value of a row with it."""

import json
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from control_api.actions import Action
from control_api.errors import told
from tests.control_api.service import Service, serving
from tests.control_api.test_asking import queue
from tests.control_api.test_desk import count
from tests.control_api.test_ordering import PATHS

__all__ = ["queue"]
SECRET = "hunter2"
NO_REASON = "ALTER TABLE ascent.jobs ADD CONSTRAINT no_reason CHECK (last_error IS NULL) NOT VALID"
NO_JOBS = f"""
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION '{SECRET}: %', NEW.payload USING ERRCODE = '{{code}}', HINT = '{SECRET}'; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON ascent.jobs FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture
async def served(migrated: str, queue: AsyncConnection) -> AsyncIterator[Service]:
    await queue.execute(f"""UPDATE ascent.jobs SET payload = '{{"password": "{SECRET}"}}'""".encode())
    async with serving({"main": migrated}) as service:
        yield service


@pytest.mark.parametrize("action", [Action.FAIL_ACTIVE, Action.CANCEL_PENDING, Action.JANITOR])
@pytest.mark.parametrize("damage", [NO_REASON, *(NO_JOBS.format(code=code) for code in ("P0001", "22023", "23514"))])
async def test_a_row_that_the_database_refuses_is_quoted_nowhere(
    served: Service, queue: AsyncConnection, action: Action, damage: str
) -> None:
    await queue.execute(damage.encode())

    with capture_logs() as logs:
        answer = await served.post(PATHS[action], data={"request_id": "r"})
        page = await served.page("/control/audit/main-1")

    notes = await (await queue.execute("SELECT note FROM system_status.admin_action_steps")).fetchall()
    assert (await answer.json())["state"] == "failed"
    assert "failed" in page.text
    assert SECRET not in page.html + await answer.text() + json.dumps([notes, logs], default=str)
    assert [line for line in logs if line["event"] == "cleaning.failed"]


async def test_the_note_of_a_failure_says_what_it_was(served: Service, queue: AsyncConnection) -> None:
    await queue.execute(NO_REASON.encode())

    entry = await (await served.post(PATHS[Action.FAIL_ACTIVE], data={"request_id": "r"})).json()

    assert entry["note"] == (
        'fail_active: CheckViolation 23514: new row for relation "jobs" violates check constraint "no_reason"'
    )


@pytest.mark.parametrize("action", [Action.FAIL_ACTIVE, Action.CANCEL_PENDING, Action.JANITOR])
async def test_what_failed_is_409_with_its_entry_also_when_it_is_ordered_again(
    served: Service, queue: AsyncConnection, action: Action
) -> None:
    await queue.execute(NO_REASON.encode())

    first = await served.post(PATHS[action], data={"request_id": "r"})
    again = await served.post(PATHS[action], data={"request_id": "r"})

    assert (first.status, again.status) == (409, 409)
    assert first.content_type == "application/json"
    entry = await first.json()
    assert (entry["state"], entry["replayed"]) == ("failed", False)
    assert await again.json() == entry | {"replayed": True}


async def test_a_step_that_fails_keeps_none_of_the_others_from_being_done(
    served: Service, queue: AsyncConnection
) -> None:
    await queue.execute(NO_REASON.encode())

    entry = await (await served.post(PATHS[Action.JANITOR], data={"request_id": "r"})).json()

    assert {step["step"]: step["changed"] for step in entry["steps"]} == {
        "delete_completed": 1,
        "delete_failed": 1,
        "reap_workers": 1,
        "delete_tokens": 1,
    }
    assert [part.partition(":")[0] for part in entry["note"].split("; ")] == ["fail_stuck", "cancel_stale"]
    assert await count(queue, "ascent.jobs WHERE state IN ('completed', 'failed')") == 0


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        ("UPDATE ascent.schedules SET expire_after = '300000 years'", "DatetimeFieldOverflow 22008"),
        (NO_JOBS.format(code="23514"), "CheckViolation 23514"),
        (NO_JOBS.format(code="P0001"), "RaiseException P0001"),
        ("ALTER TABLE ascent.jobs ADD CHECK (origin <> 'manual') NOT VALID", "CheckViolation 23514"),
    ],
)
async def test_a_run_that_the_database_refuses_is_409_and_says_of_what_kind_that_is(
    served: Service, queue: AsyncConnection, damage: str, kind: str
) -> None:
    await queue.execute(damage.encode())

    with capture_logs() as logs:
        answer = await served.post(PATHS[Action.RUN], data={"request_id": "r"})
        asked = await served.get(PATHS[Action.RUN])

    assert (answer.status, asked.status) == (409, 200)
    problem = await answer.json()
    assert (problem["type"], problem["detail"]) == (
        "urn:problem-type:not-possible",
        f"the database of source 'main' refuses it: {kind}",
    )
    assert SECRET not in json.dumps([problem, logs], default=str)
    assert await count(queue, "system_status.admin_actions") == 0


def test_an_error_about_the_connection_says_what_it_is() -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect("postgresql://nobody@127.0.0.1:1/none")

    assert "127.0.0.1" in told(caught.value)
    assert "\n" not in told(caught.value)


def test_a_value_that_cannot_be_read_is_not_quoted() -> None:
    assert told(psycopg.DataError(f"can't parse {SECRET}")) == "DataError"
