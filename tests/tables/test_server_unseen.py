"""A role that may not ask for its server's identifier reads, counts and checks like any other."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from pydantic import SecretStr

from jobqueue.check import look_at_source
from jobqueue.config import Source
from jobqueue.tables.grants import store_grants
from jobqueue.tables.identity import Identity, Place
from jobqueue.tables.migrate import migrate
from tests.exporter.scrape import Exporter, source
from tests.security.roles import as_role, least_privileged

_REVOKE = b"REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"


@pytest.fixture
def unseen(migrated: str, empty_database: str) -> Iterator[list[Source]]:
    """Sources of one queue for an exporter's role without that right: store elsewhere, store here for the owner."""
    migrate([source(migrated, "elsewhere", store_dsn=SecretStr(empty_database))], lambda line: None)
    with least_privileged(migrated, [source(migrated)]) as roles:
        role = urlsplit(roles["exporter"]).username or ""
        for address in (migrated, empty_database):
            with psycopg.connect(address) as conn:
                conn.execute(_REVOKE)
                conn.execute("\n".join(store_grants(role)).encode())
        yield [
            source(roles["exporter"], "elsewhere", store_dsn=SecretStr(as_role(empty_database, role))),
            source(roles["exporter"], store_dsn=SecretStr(migrated)),
        ]
        with psycopg.connect(empty_database) as conn:
            conn.execute(f"DROP OWNED BY {role}".encode())


async def test_a_name_that_the_owner_took_is_the_exporters_too(unseen: list[Source]) -> None:
    exporter = Exporter(*unseen)
    try:
        page = await exporter.poll(rounds=2)
    finally:
        await exporter.close()

    assert page.select("jobqueue_source_unreadable_info") == page.select("jobqueue_collector_failing_info") == []
    for each in unseen:
        assert "name-taken" not in [finding.code for finding in (await look_at_source(each)).findings]


def test_what_can_be_seen_still_tells_two_queues_apart() -> None:
    known = Identity("ascent", "ascent", "7", "app")

    assert known.is_same(Identity("ascent", "ascent", "", "app"))
    assert not known.is_same(Identity("ascent", "ascent", "", "other"))
    assert not known.is_same(Identity("ascent", "ascent", "8", "app"))
    assert not known.is_same(Identity("ascent", "ascent"))
    assert not Identity("ascent", "ascent").is_same(Identity("ascent", "ascent", "", "app"))
    assert Place("", 5, "app").is_same(Place("7", 5, "app"))
    assert not Place("8", 5, "app").is_same(Place("7", 5, "app"))
