from collections.abc import Iterator

import pytest

from tests.conftest import Server


@pytest.fixture(scope="module")
def shared_database(server: Server, migrated_template: str) -> Iterator[str]:
    """One migrated database for all the examples of a module; each example has a source of its own."""
    name = server.create_database(migrated_template)
    yield server.url(name)
    server.drop_database(name)
