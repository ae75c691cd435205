"""A real PostgreSQL for every test: an embedded one, or the superuser URL in DATABASE_URL_TESTS."""

import os
import re
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import AsyncConnection, sql
from pydantic import SecretStr
from xdist.scheduler import LoadFileScheduling

from demo.postgres import EmbeddedPostgres
from jobqueue.config import Source
from jobqueue.tables.migrate import migrate
from tests.postgres15 import postgres15

if not os.environ.get("CI"):  # Hypothesis has a profile of its own for that
    settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("patient")

PREVIEWED = {
    str(file.relative_to(Path(__file__).parents[1]))
    for file in (Path(__file__).parent / "preview").glob("test_*.py")
    if re.search(r"\b(page: Page|demo: Demo)\b", file.read_text())
}
SCHEMA = Path(__file__).parents[1] / "jobqueue/engines/ascent/schema.sql"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Server:
    """Any PostgreSQL in which we may make databases."""

    address: str

    def url(self, database: str) -> str:
        return urlsplit(self.address)._replace(path="/" + quote(database, safe="")).geturl()

    def create_database(self, template: str | None = None) -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.execute(command.format(sql.Identifier(name), sql.Identifier(template or "template1")))
        return name

    def drop_database(self, name: str) -> None:
        self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, command: sql.Composed) -> None:
        with psycopg.connect(self.address, autocommit=True) as conn:
            conn.execute(command)


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The embedded PostgreSQL, or the version that a test asks for by an indirect parameter."""
    if getattr(request, "param", "embedded") == "15":
        with postgres15() as oldest:
            yield Server(oldest.url("postgres"))
        return
    if address := os.environ.get("DATABASE_URL_TESTS"):
        yield Server(address)
        return
    with EmbeddedPostgres.start(settings={"shared_preload_libraries": "pg_stat_statements"}) as embedded:
        yield Server(embedded.url("postgres"))


@pytest.fixture(scope="session")
def template(server: Server) -> Iterator[str]:
    """A database with the Ascent tables, to be copied."""
    name = server.create_database()
    with psycopg.connect(server.url(name), autocommit=True) as conn:
        conn.execute(SCHEMA.read_bytes())
    yield name
    server.drop_database(name)


@pytest.fixture
def database(server: Server, template: str) -> Iterator[str]:
    """The address of a fresh database with the Ascent tables."""
    name = server.create_database(template)
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def empty_database(server: Server) -> Iterator[str]:
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
async def conn(database: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def migrated_template(server: Server, template: str) -> Iterator[str]:
    """A database with the Ascent tables and ours, to be copied."""
    name = server.create_database(template)
    migrate([Source(name="main", dsn=SecretStr(server.url(name)))], lambda line: None)
    yield name
    server.drop_database(name)


@pytest.fixture
def migrated(server: Server, migrated_template: str) -> Iterator[str]:
    """The address of a fresh database with the Ascent tables and ours."""
    name = server.create_database(migrated_template)
    yield server.url(name)
    server.drop_database(name)


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """File by file; those that look at the preview's demo one after the other, for each process would start its own."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "tests/preview" if file in PREVIEWED else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped has failed."""
    report = yield
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
    return report
