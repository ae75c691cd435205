"""A fresh queue of each engine, made by its real package, and somebody who drives it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from psycopg import AsyncConnection

from jobqueue.config import Source
from jobqueue.tables.migrate import migrate
from tests.conftest import Server
from tests.engines.drivers import (
    Driver,
    OpenDriver,
    ascent,
    graphile,
    oban,
    oban_python,
    pgboss,
    pgqueuer,
    procrastinate,
    river,
)
from tests.exporter.scrape import Exporter, source


@dataclass(frozen=True, slots=True)
class Kind:
    """How to make a queue of one engine, and how to drive it."""

    engine: str
    install: Callable[[str], Coroutine[Any, Any, None]]
    drive: OpenDriver


KINDS = {
    "ascent": Kind("ascent", ascent.install, ascent.driver),
    "procrastinate": Kind("procrastinate", procrastinate.install, procrastinate.driver),
    "pgboss": Kind("pgboss", pgboss.install, pgboss.driver),
    "pgqueuer": Kind("pgqueuer", pgqueuer.install, pgqueuer.driver),
    "graphile": Kind("graphile", graphile.install_recorded, graphile.driver),
    "river": Kind("river", river.install, river.driver),
    "oban": Kind("oban", oban.install, oban.driver),
    "oban-python": Kind("oban", oban_python.install, oban_python.driver),
}
VARIANTS = {
    "graphile-unrecorded": Kind("graphile", graphile.install, graphile.driver),
}
"""The same engine otherwise, for some of the suite."""
ALL = {**KINDS, **VARIANTS}


@pytest.fixture(scope="session")
def template_of(server: Server) -> Iterator[Callable[[str], str]]:
    """Makes the database of an engine once: its own tables by its own package, and ours."""
    made = []

    @cache
    def make(kind: str) -> str:
        name = server.create_database()
        made.append(name)
        _run(ALL[kind].install(server.url(name)))
        migrate([source(server.url(name), engine=ALL[kind].engine)], lambda line: None)
        return name

    yield make
    for name in made:
        server.drop_database(name)


def _run(install: Coroutine[Any, Any, None]) -> None:
    """Run it to its end; a thread, for a test may be running a loop in ours."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, install).result()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def address(server: Server, template_of: Callable[[str], str], kind: str) -> Iterator[str]:
    """A fresh queue of the engine."""
    name = server.create_database(template_of(kind))
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
async def driver(address: str, kind: str) -> AsyncIterator[Driver]:
    async with ALL[kind].drive(address) as driver:
        yield driver


@pytest.fixture
async def admin(address: str) -> AsyncIterator[AsyncConnection]:
    """Who changes the queue beside the engine."""
    async with await AsyncConnection.connect(address, autocommit=True) as connection:
        yield connection


@pytest.fixture
def queue(address: str, driver: Driver) -> Source:
    """The queue as it is configured."""
    return source(address, engine=driver.engine, schedules=driver.configured)


@pytest.fixture
async def watch() -> AsyncIterator[Callable[..., Exporter]]:
    """Makes exporters, which are closed at the end."""
    async with AsyncExitStack() as ending:

        def start(*sources: Any) -> Exporter:
            exporter = Exporter(*sources)
            ending.push_async_callback(exporter.close)
            return exporter

        yield start
