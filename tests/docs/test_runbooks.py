"""The SQL in the runbooks, on the tables of the Ascent queue."""

from datetime import UTC, datetime

import psycopg
import pytest

from control_api.actions import Action, plan
from jobqueue.config import Janitor
from jobqueue.engine import Cleanup
from tests.docs.pages import ROOT, blocks

RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
STATEMENTS = [(page.stem, statement) for page in RUNBOOKS for statement in blocks(page, "sql")]
_ENDED = """
INSERT INTO ascent.jobs (job_type, state, retries, started_at, finished_at, worker_id, expires_at, last_error)
SELECT %(job_type)s, %(state)s, 3, ended, ended, 'w', ended, %(error)s
  FROM (SELECT now() - interval '1 minute') AS t(ended)
"""
_LEFT_OF_THE_PAST = """
SELECT DISTINCT retries, started_at, finished_at, worker_id, expires_at, last_error
  FROM ascent.jobs WHERE state = 'pending'
"""


@pytest.mark.parametrize(("page", "statement"), STATEMENTS, ids=[page for page, _ in STATEMENTS])
def test_it_can_be_run_as_it_stands(page: str, statement: str, migrated: str) -> None:
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute(statement.encode())


def reason(action: Action, cleanup: Cleanup) -> str:
    """What the control API writes into the jobs that an action ends."""
    [found] = [step.reason for step in plan(action, datetime.now(UTC), Janitor()) if step.cleanup is cleanup]
    return found


ADMIN_CANCELLED = ("cancelled", reason(Action.CANCEL_PENDING, Cleanup.PENDING))
ADMIN_FAILED = ("failed", reason(Action.FAIL_ACTIVE, Cleanup.ACTIVE))
JANITOR_CANCELLED = ("cancelled", reason(Action.JANITOR, Cleanup.PENDING))
JANITOR_FAILED = ("failed", reason(Action.JANITOR, Cleanup.ACTIVE))
ENDS = [ADMIN_CANCELLED, ADMIN_FAILED, JANITOR_CANCELLED, JANITOR_FAILED, ("cancelled", "expired"), ("failed", "boom")]


@pytest.mark.parametrize(
    ("page", "number", "revived"),
    [
        ("JobQueueFailureRateHigh", 0, {ADMIN_FAILED, JANITOR_FAILED, ("failed", "boom")}),
        ("JobQueueDestructiveAction", 0, {ADMIN_CANCELLED}),
        ("JobQueueDestructiveAction", 1, {ADMIN_FAILED}),
    ],
    ids=["failed", "cancelled by an admin", "failed by an admin"],
)
def test_what_is_queued_again_waits_without_an_expiry_and_nothing_else_does(
    page: str, number: int, revived: set[tuple[str, str]], migrated: str
) -> None:
    update = [text for name, text in STATEMENTS if name == page and text.startswith("UPDATE")][number]
    with psycopg.connect(migrated, autocommit=True) as conn:
        for end in ENDS:
            conn.execute(_ENDED, {"job_type": "/".join(end), "state": end[0], "error": end[1]})
        for end in ENDS:
            conn.execute(update.replace("TYPE", "/".join(end)).encode())
        waiting = conn.execute("SELECT job_type FROM ascent.jobs WHERE state = 'pending'").fetchall()
        conn.execute("INSERT INTO ascent.jobs (job_type) VALUES ('new')")
        kinds = conn.execute(_LEFT_OF_THE_PAST).fetchall()

    assert {tuple(job_type.split("/")) for (job_type,) in waiting} == revived
    assert len(kinds) == 1
