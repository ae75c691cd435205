"""Every attack on a database is tried on the oldest PostgreSQL that is promised, and on the embedded one."""

from collections.abc import Iterator

import pytest

from tests.engines.conftest import template_of
from tests.exporter.scrape import source
from tests.security.roles import least_privileged

__all__ = ["template_of"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        metafunc.parametrize("server", ["15", "embedded"], indirect=True, scope="session")


@pytest.fixture
def roles(migrated: str) -> Iterator[dict[str, str]]:
    """Addresses of an Ascent queue for the roles of exporter, control API and Grafana."""
    with least_privileged(migrated, [source(migrated)]) as addresses:
        yield addresses
