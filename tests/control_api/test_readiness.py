"""Whether every source can be asked: quickly, and without work for the databases however often it is asked."""

import asyncio
import socket
from itertools import count, pairwise
from time import monotonic

import pytest
from structlog.testing import capture_logs

from control_api import desk
from control_api.shared import Shared
from control_api.sources import ControlledSource
from tests.control_api.service import serving

AWAY = "postgresql://nobody@127.0.0.1:1/none"


async def test_a_process_whose_databases_answer_is_ready(migrated: str) -> None:
    async with serving({"main": migrated}) as served:
        alive, ready = await served.get("/healthz"), await served.get("/readyz")

    assert (alive.status, await alive.text()) == (200, "ok\n")
    assert (ready.status, await ready.text()) == (200, "ok\n")


async def test_sources_that_do_not_answer_are_named_and_take_no_longer_than_one(migrated: str) -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections, and says nothing
    mute = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
    with silent:
        async with serving({"main": migrated, "mute": mute, "dumb": mute, "away": AWAY}) as served:
            began = monotonic()
            with capture_logs() as logs:
                ready = await served.get("/readyz")
            took = monotonic() - began
            alive = await served.get("/healthz")

    assert (ready.status, await ready.text()) == (503, "can't be asked: mute, dumb, away\n")
    assert took < 4
    assert alive.status == 200
    assert {line["source"] for line in logs if line["event"] == "source.unready"} == {"mute", "dumb", "away"}


async def test_a_database_without_our_tables_is_not_ready_and_the_log_says_what_makes_them(database: str) -> None:
    async with serving({"main": database}) as served:
        with capture_logs() as logs:
            ready = await served.get("/readyz")

    assert ready.status == 503
    [line] = [line for line in logs if line["event"] == "source.unready"]
    assert "python -m jobqueue migrate" in line["reason"]


async def test_however_many_ask_a_source_is_asked_once_a_second(migrated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    ask = desk._unready

    async def counted(source: ControlledSource) -> str | None:
        asked.append(monotonic())
        return await ask(source)

    monkeypatch.setattr(desk, "_unready", counted)
    async with serving({"main": migrated}) as served:
        await served.get("/readyz")
        answers = await asyncio.gather(*(served.get("/readyz") for _ in range(100)))

    assert {answer.status for answer in answers} == {200}
    assert [later - earlier for earlier, later in pairwise(asked) if later - earlier < 1.0] == []


async def test_however_many_ask_the_log_says_once_a_second_why_a_source_is_not_ready(database: str) -> None:
    async with serving({"main": database}) as served:
        with capture_logs() as logs:
            began = monotonic()
            for _ in range(20):
                await served.get("/readyz")
            seconds = monotonic() - began

    assert 1 <= len([line for line in logs if line["event"] == "source.unready"]) <= 1 + seconds


async def test_a_hundred_at_once_share_one_answer_and_later_there_is_a_new_one() -> None:
    asked = count(1)

    async def ask() -> int:
        await asyncio.sleep(0.01)
        return next(asked)

    shared = Shared(ask, 0.2)
    first = await asyncio.gather(*(shared.get() for _ in range(100)))
    await asyncio.sleep(0.21)

    assert first == [1] * 100
    assert await shared.get() == 2
