"""Two PostgreSQL servers: one with a database for each queue, one with our tables for all of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from pydantic import SecretStr

from demo.postgres import EmbeddedPostgres
from jobqueue.config import Source
from jobqueue.sql import load
from jobqueue.tables.migrate import migrate
from soak.disk import Disk, small_disk
from soak.plan import Plan
from tests.engines.conftest import KINDS, Kind
from tests.engines.drivers import ascent

FLOOD = "flood"
OURS = "ours"
TRUTH = load("soak", "truth.sql")
_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "log_min_messages": "fatal",
}
_CONNECT_SECONDS = 5
_PLACES: Mapping[str, Kind] = {**KINDS, FLOOD: Kind("ascent", ascent.install, ascent.driver)}


@dataclass(frozen=True, slots=True)
class Place:
    """One queue: the name of the source, and where it is."""

    name: str
    kind: Kind
    address: str

    @property
    def database(self) -> str:
        """The name of its database."""
        return urlsplit(self.address).path.removeprefix("/")

    async def ask(self, query: Any, values: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """Run one statement in its database; its rows, if it has any."""
        return await ask(self.address, query, values)


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, and what is in them."""

    queues: EmbeddedPostgres
    store: EmbeddedPostgres
    disk: Disk
    places: Mapping[str, Place]

    @property
    def ours(self) -> str:
        """The address of our tables."""
        return self.store.url(OURS)

    def source(self, place: Place, plan: Plan) -> Source:
        """The queue as the exporters have it configured."""
        return Source(
            place.name,
            SecretStr(place.address),
            engine=place.kind.engine,
            store_dsn=SecretStr(self.ours),
            poll_interval=plan.poll_interval,
            scrape_interval=3 * plan.scrape_every,
            settle=plan.settle,
        )


async def ask(address: str, query: Any, values: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    """Run one statement on a connection of its own, which may write also where others may not."""
    options: dict[str, Any] = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "soak",
        "options": "-c default_transaction_read_only=off",
    }
    async with await AsyncConnection.connect(address, autocommit=True, row_factory=dict_row, **options) as conn:
        cursor = await conn.execute(query, values)
        return await cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def serve(plan: Plan, folder: Path) -> AsyncIterator[Servers]:
    """Start both, with every queue made by its engine's own package."""
    with ExitStack() as ending:
        queues = await asyncio.to_thread(EmbeddedPostgres.start, settings=_SETTINGS)
        ending.callback(queues.close)
        disk = ending.enter_context(small_disk(folder))
        store = await asyncio.to_thread(EmbeddedPostgres.start, settings=_SETTINGS)
        ending.callback(store.close)
        places = {
            name: Place(name, kind, await asyncio.to_thread(queues.create_database, name.replace("-", "_")))
            for name, kind in _PLACES.items()
        }
        servers = Servers(queues, store, disk, places)
        await asyncio.to_thread(disk.make_database, store.url("postgres"), OURS)
        for place in places.values():
            await place.kind.install(place.address)
            await asyncio.to_thread(_make_tables, servers.source(place, plan))
            with psycopg.connect(place.address, autocommit=True) as conn:
                conn.execute(TRUTH["journal"])
                conn.execute(TRUTH[place.kind.engine])
        yield servers


def _make_tables(source: Source) -> None:
    migrate([source], lambda line: None)
