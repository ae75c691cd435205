"""Fixtures for an attack on every engine; the module that attacks makes the queue's database, its ``address``."""

from collections.abc import Iterator

import pytest

from jobqueue.config import Source
from tests.engines.conftest import ALL, KINDS
from tests.exporter.scrape import source
from tests.security.roles import least_privileged


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def queue(address: str, kind: str) -> Source:
    return source(address, engine=ALL[kind].engine)


@pytest.fixture
def roles(address: str, queue: Source) -> Iterator[dict[str, str]]:
    with least_privileged(address, [queue]) as addresses:
        yield addresses
