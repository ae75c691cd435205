"""Asking pages, for people and for programs: what would happen now, and nothing happens."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from control_api.actions import Action, what_it_does
from jobqueue.config import Janitor
from jobqueue.engine import Cleanup
from tests.control_api.service import HTML, Service, serving
from tests.control_api.test_desk import begun, count

CLEAN_UPS = [Action.JANITOR, Action.FAIL_ACTIVE, Action.CANCEL_PENDING]
_ROWS = """
INSERT INTO ascent.schedules (job_type, description, cron, timezone, expire_after, payload)
  VALUES ('mail.send', 'Sends mail', '*/5 * * * *', 'Europe/Berlin', '10 minutes', '{"password": "hunter2"}');
INSERT INTO ascent.jobs (job_type, state, created_at, run_after, started_at, worker_id) VALUES
  ('mail.send', 'active', now() - interval '2 h', now() - interval '2 h', now() - interval '20 min', 'w1'),
  ('report', 'active', now(), now(), now() - interval '1 s', NULL);
INSERT INTO ascent.jobs (job_type, created_at, run_after) VALUES
  ('mail.send', now() - interval '3 h', now() - interval '3 h'),
  ('report', now() - interval '1 s', now() - interval '1 s'), ('report', now(), now() + interval '1 day');
INSERT INTO ascent.jobs (job_type, state, finished_at) VALUES
  ('report', 'completed', now() - interval '2 h'), ('report', 'failed', now() - interval '8 days');
INSERT INTO ascent.workers (id, mode, last_seen_at, current_job_type, current_started_at) VALUES
  ('w1', 'worker', now(), 'mail.send', now() - interval '20 min'), ('idle', 'worker', now(), NULL, NULL),
  ('dead', 'worker', now() - interval '1 h', NULL, NULL);
INSERT INTO ascent.idempotency_tokens (token, expires_at) VALUES ('t', now() - interval '1 s');
"""


@pytest.fixture
async def queue(migrated: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
        await conn.execute(_ROWS.encode())
        yield conn


@pytest.fixture
async def served(migrated: str, queue: AsyncConnection) -> AsyncIterator[Service]:
    async with serving({"main": migrated}) as service:
        yield service


async def test_run_now_shows_the_schedule_and_no_payload(served: Service) -> None:
    page = await served.page("/control/main/schedules/mail.send/run")

    assert "Run now: mail.send" in page.text
    assert "Sends mail" in page.text
    assert "Every 5 minutes" in page.text
    assert "Europe/Berlin" in page.text
    assert "hunter2" not in page.html
    [form] = page.forms
    assert (form.action, form.button) == ("/control/main/schedules/mail.send/run", "Run mail.send now")
    assert form.fields.keys() == {"request_id"}


async def test_run_now_as_data(served: Service) -> None:
    answer = await served.get("/control/main/run?job_type=mail.send")
    asked = await answer.json()

    assert asked["schedule"]["cron"] == "*/5 * * * *"
    assert asked["path"] == "/control/main/schedules/mail.send/run"
    assert (asked["steps"], asked["workers"], asked["concerned"]) == ([], [], 0)
    assert "hunter2" not in await answer.text()


async def test_fail_active_names_the_jobs_and_the_workers_that_run_them(served: Service) -> None:
    page = await served.page("/control/main/fail-active")

    assert "Fails active jobs: 2 jobs" in page.text
    assert "w1" in page.text
    assert "idle" not in page.text
    [form] = page.forms
    assert (form.button, set(form.fields)) == ("Fail 2 active jobs", {"request_id", "shown_at"})


async def test_fail_active_names_no_worker_whose_job_has_ended_already(served: Service, queue: AsyncConnection) -> None:
    await queue.execute("UPDATE ascent.jobs SET state = 'failed', finished_at = now() WHERE worker_id = 'w1'")

    asked = await (await served.get("/control/main/fail-active")).json()

    assert (asked["concerned"], asked["workers"], asked["more_workers"]) == (1, [], 0)


async def test_cancel_pending_leaves_those_planned_for_later_out(served: Service) -> None:
    asked = await (await served.get("/control/main/cancel-pending")).json()

    assert asked["concerned"] == 2
    [step] = asked["steps"]
    assert step["concerned"] == 2
    assert sorted((row["name"], row["rows"]) for row in step["by_name"]) == [("mail.send", 1), ("report", 1)]


async def test_the_janitor_says_what_each_of_its_steps_concerns(served: Service) -> None:
    asked = await (await served.get("/control/main/janitor")).json()

    assert {step["step"]: [row["name"] for row in step["by_name"]] for step in asked["steps"]} == {
        "fail_stuck": ["mail.send"],
        "cancel_stale": ["mail.send"],
        "delete_completed": ["report"],
        "delete_failed": ["report"],
        "reap_workers": ["dead"],
        "delete_tokens": [""],
    }
    assert (asked["concerned"], asked["at_least"]) == (6, False)
    assert sum(step["concerned"] for step in asked["steps"]) == 6
    page = await served.page("/control/main/janitor")
    assert page.forms[0].button == "Run Janitor: 6 rows"
    assert "Reaps dead workers not seen in 5 minutes: 1 worker" in page.text


async def test_the_janitor_says_in_the_pages_words_what_it_does_and_when_by_its_limits(
    migrated: str, queue: AsyncConnection
) -> None:
    limits = Janitor(every=timedelta(0), fail_active_after=timedelta(minutes=20), delete_failed_after=timedelta(days=2))
    said = (
        "Fails active jobs stuck more than 20 minutes, cancels pending jobs older than 1 hour, deletes completed jobs "
        "older than 1 hour, deletes failed jobs older than 2 days, reaps dead workers not seen in 5 minutes, and "
        "expires old idempotency tokens."
    )

    async with serving({"main": migrated}, janitor=limits) as served:
        asked = await (await served.get("/control/main/janitor")).json()
        pages = [(await served.page(path)).text for path in ("/control/main/janitor", "/control/")]
        [source] = (await (await served.get("/control/")).json())["sources"]
        metrics = await (await served.get("/metrics", {"Accept": "text/plain"})).text()

    assert asked["description"] == said
    assert all(said in page for page in pages)
    assert {action["action"]: action["description"] for action in source["actions"]}["janitor"] == said
    assert f'action="janitor",description="{said}"' in metrics


def test_a_janitor_that_an_engine_limits_says_what_is_left() -> None:
    assert what_it_does(Action.JANITOR, Janitor(), [Cleanup.FAILED]) == "Deletes failed jobs older than 7 days."


async def test_what_is_more_than_can_be_counted_is_said_to_be(served: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control_api.desk.MOST_COUNTED", 2)

    page = await served.page("/control/main/cancel-pending")
    asked = await (await served.get("/control/main/cancel-pending")).json()

    assert "Cancels pending jobs: at least 2 jobs" in page.text
    assert page.forms[0].button == "Cancel at least 2 pending jobs"
    assert (asked["concerned"], asked["at_least"], asked["steps"][0]["at_least"]) == (2, True, True)


@pytest.mark.parametrize("action", CLEAN_UPS)
async def test_asking_again_and_again_changes_nothing(served: Service, queue: AsyncConnection, action: Action) -> None:
    before = await count(queue, "ascent.jobs"), await count(queue, "ascent.workers")

    first = await served.page(f"/control/main/{action}")
    second = await served.page(f"/control/main/{action}")

    assert first.forms[0].fields["request_id"] != second.forms[0].fields["request_id"]
    assert (await count(queue, "ascent.jobs"), await count(queue, "ascent.workers")) == before
    assert await count(queue, "system_status.admin_actions") == 0


@pytest.mark.parametrize(
    ("action", "said"), [(Action.FAIL_ACTIVE, "No job is active"), (Action.CANCEL_PENDING, "No job is pending")]
)
async def test_where_nothing_is_concerned_there_is_no_button(
    served: Service, queue: AsyncConnection, action: Action, said: str
) -> None:
    await queue.execute("TRUNCATE ascent.jobs")

    page = await served.page(f"/control/main/{action}")

    assert said in page.text
    assert page.forms == []


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/control/eu/janitor", 404, "there is no source 'eu'; there are: main"),
        ("/control/main/run?job_type=report", 404, "'report' is not a recurring job"),
        ("/control/main/schedules/nobody/run", 404, "'nobody' is not a recurring job"),
        ("/control/main/run", 422, "which job is to run? Say its job_type"),
        ("/control/main/run?job_type=", 422, "which job is to run?"),
        ("/control/main/vacuum", 404, "there is nothing at this address"),
    ],
)
async def test_what_cannot_be_asked_is_a_problem_with_its_reason(
    served: Service, path: str, status: int, detail: str
) -> None:
    as_data, as_page = await served.get(path), await served.get(path, HTML)

    assert (as_data.status, as_page.status) == (status, status)
    assert as_data.content_type == "application/problem+json"
    assert (await as_data.json())["detail"].startswith(detail)
    assert as_page.content_type == "text/html"
    assert f"Status {status}." in await as_page.text()


async def test_one_that_is_at_work_already_is_pointed_to(served: Service, queue: AsyncConnection) -> None:
    await begun(queue, Action.FAIL_ACTIVE, expires="1 minute")

    page = await served.page("/control/main/fail-active")
    asked = await (await served.get("/control/main/fail-active")).json()

    assert "This is at work already" in page.text
    assert page.links["see how far it is"] == asked["running"]["path"] == "/control/audit/main-1"
