"""One queue that the view's owner may not read takes the history of no other queue away."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from jobqueue.tables.migrate import migrate
from tests.conftest import SCHEMA
from tests.exporter.scrape import source
from tests.security.roles import PASSWORD, as_role, drop_roles


@pytest.fixture
def owners(empty_database: str) -> Iterator[tuple[str, str]]:
    """The addresses of one database for the owners of the schemas ``ascent`` and ``theirs``, both of them queues."""
    database = urlsplit(empty_database).path[1:]
    mine, theirs = (as_role(empty_database, f"{name}_{database}") for name in ("mine", "theirs"))
    with psycopg.connect(empty_database, autocommit=True) as conn:
        for address in (mine, theirs):
            role = urlsplit(address).username
            conn.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'".encode())
            conn.execute(f"GRANT CREATE ON DATABASE {database} TO {role}".encode())
    with psycopg.connect(mine, autocommit=True) as conn:
        conn.execute(SCHEMA.read_bytes())
    with psycopg.connect(theirs, autocommit=True) as conn:
        conn.execute(SCHEMA.read_bytes().replace(b"ascent", b"theirs"))
        conn.execute(f"GRANT USAGE ON SCHEMA theirs TO {urlsplit(mine).username}".encode())
    yield mine, theirs
    drop_roles(empty_database, *(urlsplit(address).username or "" for address in (mine, theirs)))


@pytest.mark.parametrize("again_as_superuser", [False, True])
def test_a_queue_that_the_views_owner_may_not_read_is_left_out_with_a_word(
    owners: tuple[str, str], empty_database: str, again_as_superuser: bool
) -> None:
    mine, _ = owners
    both = [source(mine), source(mine, "theirs", schema="theirs")]
    said: list[str] = []

    migrate(both, said.append)
    if again_as_superuser:
        migrate([source(empty_database)], said.append)

    assert any(line.startswith("theirs: left out of view recent_jobs") and "permission denied" in line for line in said)
    with psycopg.connect(mine) as conn:
        assert conn.execute("SELECT count(*) FROM system_status.recent_jobs").fetchone() == (0,)
