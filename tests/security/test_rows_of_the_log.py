"""Rows of the log that no version of ours wrote: they are shown, and take nothing else away."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from control_api.actions import Action
from control_api.audit import BY_ITSELF
from control_api.janitor import Rounds
from jobqueue.tables.migrate import migrate, migrations
from tests.control_api.service import HTML, Service, serving
from tests.control_api.test_desk import a_desk
from tests.exporter.scrape import source
from tests.security.roles import least_privileged
from tests.waiting import until_found

PAGES = (
    "/control/",
    "/control/audit",
    *(f"/control/audit/main-{number}" for number in (1, 2, 3, 4, 5, 9223372036854775807)),
    *(f"/control/main/{action}" for action in Action if action is not Action.RUN),
)
ROWS = """
INSERT INTO system_status.admin_actions (at, source, action, actor, request_id, request, before) VALUES
  (now(), 'main', 'pause-everything', 'ldap:ann', 'r1', '', now() + interval '10 years'),
  ('infinity', 'main', 'janitor', 'token:ci', 'r2', '', '-infinity'),
  ('4000-01-01 BC', 'main', 'fail-active', '', '', '', '20000-01-01'),
  ('20000-01-01', 'main', 'janitor', 'token:ci', 'r4', '', NULL),
  (now(), 'main', E'<b>\\x01\\n', E'a\\x7fb', 'r5', '', 'infinity');
INSERT INTO system_status.admin_actions (at, id, source, action, actor, request_id, request)
  OVERRIDING SYSTEM VALUE
  VALUES (now() - interval '9 years', 9223372036854775807, 'main', 'janitor', 'token:ci', 'r6', '');
INSERT INTO system_status.admin_action_steps (action_id, seq, step, changed, at) VALUES
  (1, -5, 'evaporated', -7, now()), (1, 0, 'evaporated', 9223372036854775807, now()),
  (1, 1, 'evaporated', 9223372036854775807, now()), (1, 7, '', 0, '-infinity'),
  (2, 1, 'done', 0, 'infinity'), (3, -1, 'failed', -1, '20000-01-01'), (3, 5, 'fail_active', 3, now()),
  (9223372036854775807, 1, 'done', 0, '3000-01-01');
"""
"""As whoever had the whole right to insert could leave them: older than the checks."""


@pytest.fixture
def absurd(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database whose log was filled with nonsense before it was upgraded; its address for the control API's role."""
    queue, every = source(database), migrations()
    with monkeypatch.context() as older:
        older.setattr("jobqueue.tables.migrate.migrations", lambda: every[:4])
        for later in ("_take_names", "make_view"):
            older.setattr(f"jobqueue.tables.migrate.{later}", lambda *_: None)
        migrate([queue], lambda line: None)
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(ROWS.encode())
    migrate([queue], lambda line: None)
    with least_privileged(database, [queue]) as addresses:
        yield addresses["control"]


@pytest.fixture
async def served(absurd: str) -> AsyncIterator[Service]:
    async with serving({"main": absurd}) as service:
        yield service


async def test_a_row_of_the_log_that_nobody_foresaw_hides_no_other_and_fails_no_page(served: Service) -> None:
    for path in (*PAGES, "/readyz", "/metrics"):
        assert (await served.get(path)).status == 200, path
        assert (await served.get(path, HTML)).status == 200, path


async def test_what_the_log_says_of_a_time_that_is_none_is_that_it_is_unknown(served: Service) -> None:
    entry = await (await served.get("/control/audit/main-2")).json()
    page = await served.page("/control/audit/main-2")

    assert (entry["at"], entry["before"], entry["ended_at"], entry["state"]) == (None, None, None, "done")
    assert page.text.count("unknown") == 3  # begun, ended, took


async def test_an_action_of_a_newer_version_is_shown_by_its_name_without_a_button(served: Service) -> None:
    async def found_without_an_end() -> bool:
        return "interrupted" in (await served.page("/control/audit/main-1")).text

    await until_found(found_without_an_end)
    entry = await (await served.get("/control/audit/main-1")).json()
    page = await served.page("/control/audit/main-1")
    log = await served.page("/control/audit")

    assert (entry["action"], entry["actor"], entry["state"]) == ("pause-everything", "ldap:ann", "interrupted")
    assert entry["steps"] == [{"step": "evaporated", "done": "evaporated", "changed": 2 * 10**12}, *entry["steps"][1:]]
    assert log.links["pause-everything"] == "/control/audit/main-1"
    assert "pause-everything on main" in page.text
    assert "Start it again" not in page.text
    assert page.forms == []


async def test_the_log_can_be_read_to_its_end_whatever_its_rows_are_numbered(served: Service, absurd: str) -> None:
    names = [entry["id"] for entry in (await (await served.get("/control/audit")).json())["entries"]]
    first = await served.get("/control/audit?before=main-9223372036854775807")

    assert names == ["main-9223372036854775807", "main-5", "main-4", "main-3", "main-2", "main-1"]
    assert [entry["id"] for entry in (await first.json())["entries"]] == names[1:]


async def test_the_janitor_does_its_rounds_when_they_are_due_whatever_the_log_says_of_others(
    absurd: str, database: str
) -> None:
    async with a_desk(absurd) as desk, await AsyncConnection.connect(database, autocommit=True) as owner:
        rounds = Rounds(desk, "main", timedelta(minutes=15), first_after=timedelta())
        for due in (True, False):
            await rounds.look()
            await rounds.look()
            found = await owner.execute(
                "SELECT count(*) FROM system_status.admin_actions WHERE actor = %s AND action = 'janitor'", [BY_ITSELF]
            )
            assert await found.fetchone() == (1 if due else 2,)
            await owner.execute(
                "UPDATE system_status.admin_actions SET at = now() - interval '15 minutes', before = NULL"
                " WHERE actor = %s",
                [BY_ITSELF],
            )


async def test_the_janitors_last_run_is_the_last_that_began_by_the_clock(served: Service, absurd: str) -> None:
    await served.post("/control/main/janitor", data={"request_id": "now"})
    text = await (await served.get("/metrics", {"Accept": "text/plain"})).text()

    [line] = [line for line in text.splitlines() if line.startswith("jobqueue_control_janitor_last_run_")]
    with psycopg.connect(absurd) as conn:
        [now] = conn.execute("SELECT extract(epoch FROM now())::float8").fetchone() or (0.0,)
    assert float(line.split()[1]) == pytest.approx(now, abs=120)
