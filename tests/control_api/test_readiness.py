"""Whether every source can be asked: quickly, and without work for the databases however often it is asked."""

import asyncio
import socket
from time import monotonic

import psycopg
from structlog.testing import capture_logs

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


async def test_a_hundred_who_ask_at_once_get_one_answer(migrated: str) -> None:
    async with serving({"main": migrated}) as served:
        await served.get("/readyz")
        await asyncio.sleep(1.1)
        before = _transactions(migrated)
        answers = await asyncio.gather(*(served.get("/readyz") for _ in range(100)))
        await asyncio.sleep(1.1)

    assert {answer.status for answer in answers} == {200}
    assert _transactions(migrated) - before < 10


def _transactions(address: str) -> int:
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute("SELECT pg_stat_force_next_flush()")
        row = conn.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row
    return int(row[0])
