"""The buttons of a dashboard's tables: a double click does it once, a later press does it again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from control_api import audit
from control_api.actions import Action
from tests.control_api.service import Service, serving
from tests.control_api.test_asking import queue
from tests.control_api.test_desk import count
from tests.control_api.test_ordering import CHANGED, PATHS

__all__ = ["queue"]
_PRESS = {"button": "the button"}
_RUNS = "ascent.jobs WHERE origin = 'manual'"


@pytest.fixture
async def replicas(
    migrated: str, queue: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Service, Service]]:
    """Two of them, for which an hour is a double click's length, so that a slow machine presses fast enough."""
    monkeypatch.setattr(audit, "DOUBLE_CLICK", timedelta(hours=1))
    async with serving({"main": migrated}) as one, serving({"main": migrated}) as other:
        yield one, other


async def _let_pass(queue: AsyncConnection, seconds: int) -> None:
    """Make the log look as it will after a while."""
    await queue.execute(
        "UPDATE system_status.admin_actions SET at = at - by, before = before - by"
        " FROM make_interval(secs => %s) AS by",
        [seconds],
    )


@pytest.mark.parametrize("action", Action)
async def test_a_later_press_does_it_again_and_one_at_once_is_no_success(
    replicas: tuple[Service, Service], queue: AsyncConnection, action: Action
) -> None:
    served, _ = replicas
    first = await served.post(PATHS[action], data=_PRESS)
    at_once = await served.post(PATHS[action], data=_PRESS)
    await _let_pass(queue, 3601)
    later = await served.post(PATHS[action], data=_PRESS)

    assert (first.status, (await first.json())["changed"]) == (200, CHANGED[action])
    assert (at_once.status, (await at_once.json())["type"]) == (409, "urn:problem-type:just-ordered")
    assert at_once.headers["Retry-After"] == "3600"
    assert later.status == 200
    assert (await later.json())["replayed"] is False
    assert await count(queue, "system_status.admin_actions") == 2


async def test_every_deliberate_press_queues_a_job(replicas: tuple[Service, Service], queue: AsyncConnection) -> None:
    for _ in range(4):
        assert (await replicas[0].post(PATHS[Action.RUN], data=_PRESS)).status == 200
        await _let_pass(queue, 3601)

    assert await count(queue, _RUNS) == 4


@pytest.mark.parametrize("pressed_before", [False, True])
async def test_presses_at_the_same_moment_on_two_replicas_are_done_once(
    replicas: tuple[Service, Service], queue: AsyncConnection, pressed_before: bool
) -> None:
    if pressed_before:
        await replicas[0].post(PATHS[Action.RUN], data=_PRESS)
        await _let_pass(queue, 3601)
    before = await count(queue, _RUNS)

    answers = await asyncio.gather(*(served.post(PATHS[Action.RUN], data=_PRESS) for served in replicas * 4))

    assert Counter(answer.status for answer in answers) == {200: 1, 409: 7}
    assert await count(queue, _RUNS) == before + 1


async def test_a_press_whose_forerunner_was_rolled_back_is_done(
    replicas: tuple[Service, Service], queue: AsyncConnection
) -> None:
    await queue.execute("UPDATE ascent.schedules SET job_type = 'away'")
    assert (await replicas[0].post(PATHS[Action.RUN], data=_PRESS)).status == 404
    await queue.execute("UPDATE ascent.schedules SET job_type = 'mail.send'")

    assert (await replicas[0].post(PATHS[Action.RUN], data=_PRESS)).status == 200


async def test_buttons_of_two_job_types_know_nothing_of_each_other(
    replicas: tuple[Service, Service], queue: AsyncConnection
) -> None:
    await queue.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES ('report', '0 * * * *')")
    orders = [{"job_type": name, "button": f"run-{name}"} for name in ("mail.send", "report")]

    assert [(await replicas[0].post("/control/main/run", data=order)).status for order in orders] == [200, 200]


@pytest.mark.parametrize("more", [{"request_id": "r1"}, {"button": "b" * 590}])
async def test_a_button_that_is_none_is_refused(replicas: tuple[Service, Service], more: dict[str, str]) -> None:
    assert (await replicas[0].post(PATHS[Action.RUN], data=_PRESS | more)).status == 400
