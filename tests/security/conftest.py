"""Every attack on a database is tried on the oldest PostgreSQL that is promised, and on the embedded one."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from demo.postgres import EmbeddedPostgres
from tests.conftest import Server, migrated_template, template
from tests.postgres15 import postgres15

__all__ = ["migrated_template", "template"]
"""Fixtures of this folder's own: those of the other tests stand in another server."""


@pytest.fixture(scope="session", params=["15", "embedded"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with ExitStack() as running:
        start = postgres15() if request.param == "15" else EmbeddedPostgres.start()
        yield Server(running.enter_context(start).url("postgres"))
