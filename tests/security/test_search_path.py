"""A role that may create objects in schema public, as every role may up to PostgreSQL 14, runs no code as another."""

from collections.abc import Callable, Iterator
from functools import cache

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from control_api.actions import Action
from control_api.audit import Request
from control_api.desk import Desk
from control_api.problems import NotFound, NotPossible
from control_api.sources import ControlledSource
from jobqueue.config import Janitor, Source
from jobqueue.tables.migrate import migrate
from tests.conftest import Server
from tests.exporter.process import run
from tests.exporter.scrape import Exporter, source
from tests.security.queues import kind, queue, roles
from tests.security.traps import caught, plant

__all__ = ["kind", "queue", "roles"]

NEEDS_ITS_SCHEMA = ("procrastinate",)
"""Engines whose triggers name tables without their schema."""


@pytest.fixture(scope="session")
def trapped(server: Server, template_of: Callable[[str], str]) -> Iterator[Callable[[str], str]]:
    """Makes the database of an engine with a trap wherever one can be laid, once."""
    made = []

    @cache
    def make(kind: str) -> str:
        name = server.create_database(template_of(kind))
        made.append(name)
        with psycopg.connect(server.url(name), autocommit=True) as conn:
            assert plant(conn) > 5_000
            with pytest.raises(InsufficientPrivilege, match="trap"):
                conn.execute("SET ROLE pg_monitor; SELECT 'x'::varchar = 'y'::varchar FROM pg_class")
        return name

    yield make
    for name in made:
        server.drop_database(name)


@pytest.fixture
def address(server: Server, trapped: Callable[[str], str], kind: str) -> Iterator[str]:
    name = server.create_database(trapped(kind))
    yield server.url(name)
    server.drop_database(name)


async def test_no_operator_of_a_stranger_is_called_by_the_exporter(queue: Source, roles: dict[str, str]) -> None:
    exporter = Exporter(source(roles["exporter"], engine=queue.engine))
    try:
        page = await exporter.poll(rounds=2)
    finally:
        await exporter.close()

    assert set(page.by("collector", "jobqueue_collector_success").values()) == {1.0}


async def test_no_operator_of_a_stranger_is_called_by_check_which_names_the_open_schema(
    queue: Source, roles: dict[str, str]
) -> None:
    checked = await run("--check", DATABASE_URL=roles["exporter"], QUEUE_ENGINE=queue.engine)

    assert "every role may create objects in schema public" in checked.output
    assert 'REVOKE CREATE ON SCHEMA "public" FROM PUBLIC;' in checked.output
    assert "1 to mend" in checked.output, checked.output


def test_no_operator_of_a_stranger_is_in_the_view_that_migrate_makes(
    address: str, queue: Source, roles: dict[str, str]
) -> None:
    migrate([queue], lambda line: None)

    with psycopg.connect(address) as conn:
        assert caught(conn) == []
    with psycopg.connect(roles["grafana"]) as conn:
        conn.execute("SELECT * FROM system_status.recent_jobs ORDER BY created_at DESC LIMIT 50")


async def test_no_operator_of_a_stranger_is_called_by_the_control_api(queue: Source, roles: dict[str, str]) -> None:
    controlled = ControlledSource.open(source(roles["control"], engine=queue.engine), read_only=False)
    desk = Desk([controlled], Janitor(), batch=100)
    await desk.open()
    try:
        for action in desk.actions("main"):
            if action is Action.RUN:
                with pytest.raises((NotFound, NotPossible)):
                    await desk.act(Request("main", action, "token:ci", action, "no such job type"))
            elif queue.engine in NEEDS_ITS_SCHEMA:
                asked = await desk.ask("main", action)
                assert "REVOKE CREATE ON SCHEMA public FROM PUBLIC" in (asked.kept_by or "")
                with pytest.raises(NotPossible, match="REVOKE CREATE ON SCHEMA public FROM PUBLIC"):
                    await desk.act(Request("main", action, "token:ci", action))
            else:
                assert (await desk.ask("main", action)).kept_by is None
                done = await desk.act(Request("main", action, "token:ci", action))
                assert (done.state, done.note) == ("done", None)
        assert await desk.ready() == {"main": None}
        await desk.mark_interrupted()
        await desk.schedules("main")
    finally:
        await desk.close()
