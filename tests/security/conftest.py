"""Every attack on a database is tried on the oldest PostgreSQL that is promised, and on the embedded one."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from demo.postgres import EmbeddedPostgres
from tests.conftest import Server
from tests.engines.conftest import template_of
from tests.exporter.scrape import source
from tests.postgres15 import postgres15
from tests.security.roles import least_privileged

__all__ = ["template_of"]


@pytest.fixture(scope="session", params=["15", "embedded"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with ExitStack() as running:
        start = postgres15() if request.param == "15" else EmbeddedPostgres.start()
        yield Server(running.enter_context(start).url("postgres"))


@pytest.fixture
def roles(migrated: str) -> Iterator[dict[str, str]]:
    """Addresses of an Ascent queue for the roles of exporter, control API and Grafana."""
    with least_privileged(migrated, [source(migrated)]) as addresses:
        yield addresses
