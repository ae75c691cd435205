"""Ordering by the form of a page, by a form of one's own and by JSON: once, with the right answer for each."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr

from control_api.actions import Action
from jobqueue.config import Source
from jobqueue.tables.migrate import migrate
from tests.control_api.service import HTML, JSON, Service, serving
from tests.control_api.test_asking import queue
from tests.control_api.test_desk import begun, count, pile
from tests.standby import replicated
from tests.waiting import until, until_found

__all__ = ["queue"]
PATHS = {
    Action.RUN: "/control/main/schedules/mail.send/run",
    Action.JANITOR: "/control/main/janitor",
    Action.FAIL_ACTIVE: "/control/main/fail-active",
    Action.CANCEL_PENDING: "/control/main/cancel-pending",
}
CHANGED = {Action.RUN: 1, Action.JANITOR: 6, Action.FAIL_ACTIVE: 2, Action.CANCEL_PENDING: 2}


@pytest.fixture
async def served(migrated: str, queue: AsyncConnection) -> AsyncIterator[Service]:
    async with serving({"main": migrated}) as service:
        yield service


@pytest.mark.parametrize("action", Action)
async def test_the_button_of_a_page_does_it_and_leads_to_the_entry(
    served: Service, queue: AsyncConnection, action: Action
) -> None:
    [form] = (await served.page(PATHS[action])).forms

    answer = await served.press(form)
    again = await served.press(form)

    assert (answer.status, answer.headers["Location"]) == (303, "/control/audit/main-1")
    assert (again.status, again.headers["Location"]) == (303, "/control/audit/main-1?replayed")
    entry = await served.page("/control/audit/main-1")
    assert "ordered before" not in entry.text
    assert "ordered before, with the same request id" in (await served.page(again.headers["Location"])).text
    assert action.title in entry.text
    assert "loopback:admin" in entry.text
    assert form.fields["request_id"] in entry.text
    assert await count(queue, "system_status.admin_actions") == 1


@pytest.mark.parametrize("how", ["form", "JSON", "header alone"])
@pytest.mark.parametrize("action", Action)
async def test_a_script_gets_what_came_of_it(served: Service, action: Action, how: str) -> None:
    fields = {"request_id": "r1"}
    bodies: dict[str, dict[str, Any]] = {
        "form": {"data": fields},
        "JSON": {"json": fields},
        "header alone": {"headers": JSON | {"Idempotency-Key": "r1"}},
    }

    answer = await served.post(PATHS[action], **bodies[how])

    entry = await answer.json()
    assert (answer.status, entry["state"], entry["changed"]) == (200, "done", CHANGED[action])
    assert (entry["id"], entry["request_id"], entry["actor"]) == ("main-1", "r1", "loopback:admin")
    assert answer.headers["Location"] == entry["path"] == "/control/audit/main-1"
    assert await (await served.get(entry["path"])).json() == entry
    again = await served.post(PATHS[action], **bodies[how])
    assert (again.status, await again.json()) == (200, entry | {"replayed": True})


async def test_the_job_type_may_stand_in_the_body_or_in_the_query(served: Service, queue: AsyncConnection) -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/control/main/run", {"data": {"job_type": "mail.send", "request_id": "1"}}),
        ("/control/main/run", {"json": {"job_type": "mail.send", "request_id": "2"}}),
        ("/control/main/run?job_type=mail.send", {"data": {"request_id": "3"}}),
    ]
    for path, body in bodies:
        assert (await served.post(path, **body)).status == 200

    assert await count(queue, "ascent.jobs WHERE job_type = 'mail.send' AND origin = 'manual'") == 3


async def test_the_request_id_that_a_dashboards_button_makes_of_the_longest_job_type_fits(
    served: Service, queue: AsyncConnection
) -> None:
    job_type = "m" * 499
    await queue.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES (%s, '* * * * *')", [job_type])

    order = {"job_type": job_type, "request_id": f"run-{job_type}-main-1764060000000"}
    answer = await served.post("/control/main/run", data=order)

    assert (answer.status, (await answer.json())["job_type"]) == (200, job_type)


async def test_only_what_the_page_showed_is_touched(served: Service, queue: AsyncConnection) -> None:
    [form] = (await served.page(PATHS[Action.CANCEL_PENDING])).forms
    await pile(queue, 3)
    await queue.execute("UPDATE ascent.jobs SET created_at = now(), run_after = now() WHERE job_type = 'pile'")

    await served.press(form)

    assert await count(queue, "ascent.jobs WHERE job_type = 'pile' AND state = 'pending'") == 3


async def test_what_takes_longer_is_202_and_its_entry_shows_how_far_it_is(
    migrated: str, queue: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control_api.desk.ANSWER_WITHIN", 0.05)
    await pile(queue, 400)
    async with serving({"main": migrated}, batch=5) as served:
        answer = await served.post(PATHS[Action.CANCEL_PENDING], data={"request_id": "r1"})
        again = await served.post(PATHS[Action.CANCEL_PENDING], data={"request_id": "r1"})
        page = await served.page("/control/audit/main-1")
        index = await (await served.get("/control/")).json()

        assert (answer.status, answer.headers["Location"]) == (202, "/control/audit/main-1")
        assert (again.status, (await again.json())["id"]) == (202, "main-1")
        assert "At work:" in page.text
        assert '<meta http-equiv="refresh" content="2">' in page.html
        assert [entry["id"] for entry in index["running"]] == ["main-1"]

        async def done() -> bool:
            return bool((await (await served.get("/control/audit/main-1")).json())["state"] == "done")

        await until_found(done)
        ended = await served.page("/control/audit/main-1")
        assert "Done: cancelled 402 pending jobs." in ended.text
        assert "refresh" not in ended.html


async def test_a_request_id_for_something_else_is_409(served: Service) -> None:
    await served.post(PATHS[Action.RUN], data={"request_id": "r1"})

    other = await served.post(PATHS[Action.FAIL_ACTIVE], HTML, data={"request_id": "r1"})

    assert other.status == 409
    assert "was used for something else" in await other.text()


async def test_a_second_janitor_is_409(migrated: str, queue: AsyncConnection) -> None:
    await begun(queue, Action.JANITOR, expires="1 minute")
    async with serving({"main": migrated}) as served:
        answer = await served.post(PATHS[Action.JANITOR], data={"request_id": "r1"})

    assert (answer.status, (await answer.json())["type"]) == (409, "urn:problem-type:already-running")
    assert await count(queue, "system_status.admin_actions") == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"data": {}}, 400),
        ({"data": {"request_id": ""}}, 400),
        ({"data": {"request_id": "r" * 601}}, 400),
        ({"data": {"request_id": "☃" * 501}}, 400),
        ({"data": {"request_id": "a\nb"}}, 400),
        ({"data": {"request_id": "a"}, "headers": JSON | {"Idempotency-Key": "b"}}, 400),
        ({"json": {"request_id": 1}}, 400),
        ({"json": ["request_id"]}, 400),
        ({"data": b"{", "headers": JSON | {"Content-Type": "application/json"}}, 400),
        ({"data": b"\xff", "headers": JSON | {"Content-Type": "application/json"}}, 400),
        ({"data": {"request_id": "a", "shown_at": "yesterday"}}, 422),
        ({"data": {"request_id": "a", "shown_at": "2026-01-01T00:00:00"}}, 422),
        ({"data": {"request_id": "a", "shown_at": "0001-01-01T00:00:00+14:00"}}, 422),
        ({"data": b"a", "headers": JSON | {"Content-Type": "text/plain"}}, 415),
    ],
    ids=str,
)
async def test_what_cannot_be_read_or_used_is_refused_and_nothing_is_done(
    served: Service, queue: AsyncConnection, body: dict[str, Any], status: int
) -> None:
    answer = await served.post(PATHS[Action.CANCEL_PENDING], **body)

    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    assert await count(queue, "system_status.admin_actions") == 0


@pytest.mark.parametrize("action", Action)
async def test_read_only_shows_everything_and_changes_nothing(
    migrated: str, queue: AsyncConnection, action: Action
) -> None:
    async with serving({"main": migrated}, read_only=True) as served:
        page = await served.page(PATHS[action])
        answer = await served.post(PATHS[action], data={"request_id": "r1"})
        index = await served.page("/control/")

    assert "read-only by configuration" in page.text
    assert page.forms == []
    assert "Read-only by configuration" in index.text
    assert (answer.status, (await answer.json())["type"]) == (503, "urn:problem-type:read-only")
    assert await count(queue, "system_status.admin_actions") == 0


async def test_a_standby_is_503_and_shows_everything() -> None:
    with replicated() as pair:
        migrate([Source(name="main", dsn=SecretStr(pair.primary.url("app")))], lambda line: None)
        pair.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES ('mail.send', '* * * * *')")
        await until(pair.is_replayed)
        async with serving({"main": pair.standby.url("app")}) as served:
            answers = [await served.post(PATHS[action], data={"request_id": "r1"}) for action in Action]
            for action in Action:
                page = await served.page(PATHS[action])
                assert page.forms == []
                assert "is a standby. Nothing can be changed." in page.text
                assert "is a standby" in (await (await served.get(PATHS[action])).json())["kept_by"]

    assert {answer.status for answer in answers} == {503}
    assert {(await answer.json())["type"] for answer in answers} == {"urn:problem-type:read-only"}
