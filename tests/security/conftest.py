"""Every attack on a database is tried on the oldest PostgreSQL that is promised, and on the embedded one."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from demo.postgres import EmbeddedPostgres
from tests.conftest import Server
from tests.postgres15 import postgres15


@pytest.fixture(scope="session", params=["15", "embedded"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with ExitStack() as running:
        start = postgres15() if request.param == "15" else EmbeddedPostgres.start()
        yield Server(running.enter_context(start).url("postgres"))
