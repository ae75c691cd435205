from collections.abc import AsyncIterator, Iterator
from importlib import resources
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import AsyncConnection

from demo.postgres import EmbeddedPostgres
from demo.wheel import PostgresError
from jobqueue.config import Source
from jobqueue.tables.grants import grants
from jobqueue.tables.migrate import migrate
from tests.conftest import Server
from tests.exporter.scrape import Exporter, Watch, source


@pytest.fixture
async def queue(migrated: str) -> AsyncIterator[AsyncConnection]:
    """Who puts jobs into the database ``migrated``, and takes them out."""
    async with await AsyncConnection.connect(migrated, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    exporters: list[Exporter] = []

    def start(*sources: Source) -> Exporter:
        exporters.append(Exporter(*sources))
        return exporters[-1]

    yield start
    for exporter in exporters:
        await exporter.close()


@pytest.fixture(scope="package")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres.start() as server:
        yield server


@pytest.fixture(scope="package")
def own_template(own_postgres: EmbeddedPostgres) -> str:
    server = Server(own_postgres.url("postgres"))
    name = server.create_database()
    with psycopg.connect(server.url(name), autocommit=True) as conn:
        conn.execute(resources.files("jobqueue.engines.ascent").joinpath("schema.sql").read_bytes())
    migrate([source(server.url(name))], lambda line: None)
    return name


@pytest.fixture
def postgres(own_postgres: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """A server that may be stopped and killed."""
    yield own_postgres
    try:
        _ = own_postgres.pid
    except PostgresError:
        own_postgres.start_again()


@pytest.fixture
def address(postgres: EmbeddedPostgres, own_template: str) -> str:
    """A database in it, with all tables."""
    server = Server(postgres.url("postgres"))
    return server.url(server.create_database(own_template))


@pytest.fixture
def role(migrated: str) -> Iterator[str]:
    """The address of ``migrated`` for a role that has what ``python -m jobqueue grants`` prints, and nothing else."""
    parts = urlsplit(migrated)
    names = [f"{name}_{parts.path[1:]}" for name in ("exporter", "control", "grafana")]
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("\n".join(grants([source(migrated)], *names)).encode())
        conn.execute(f"ALTER ROLE {names[0]} PASSWORD 'counts'".encode())
    host = parts.netloc.rpartition("@")[2]
    yield parts._replace(netloc=f"{names[0]}:counts@{host}").geturl()
    with psycopg.connect(migrated, autocommit=True) as conn:
        for name in names:
            conn.execute(f"DROP OWNED BY {name}".encode())
            conn.execute(f"DROP ROLE {name}".encode())
