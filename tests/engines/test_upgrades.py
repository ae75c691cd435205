"""What of ours an engine's migrations may run into, what they leave behind, and what the documentation says to do."""

import sys
from collections.abc import Callable, Iterator
from subprocess import run
from urllib.parse import urlsplit

import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from psycopg import AsyncConnection
from psycopg.errors import DependentObjectsStillExist, FeatureNotSupported
from pydantic import SecretStr

from control_api.actions import Action
from control_api.app import create_app
from control_api.desk import Desk
from control_api.sources import ControlledSource
from jobqueue import catalogue as metrics
from jobqueue.config import Janitor, Source
from jobqueue.engine import Capability
from jobqueue.engines import open_engine
from jobqueue.tables.grants import grants
from jobqueue.tables.migrate import migrate
from tests.conftest import Server
from tests.control_api.service import settings
from tests.control_api.test_desk import ended, order
from tests.engines.conftest import ALL
from tests.engines.drivers import pgboss
from tests.exporter.scrape import Exporter, source
from tests.security.roles import least_privileged

NEWEST = "SELECT FROM system_status.recent_jobs"
OF_THE_ENGINE = "ALTER TABLE graphile_worker._private_jobs ALTER COLUMN attempts TYPE integer"


@pytest.fixture(params=["graphile"])
def address(server: Server, template_of: Callable[[str], str], request: pytest.FixtureRequest) -> Iterator[str]:
    name = server.create_database(template_of(request.param))
    yield server.url(name)
    server.drop_database(name)


def jobqueue(address: str, *command: str) -> str:
    environment = {"DATABASE_URL": address, "QUEUE_ENGINE": "graphile"}
    done = run(
        [sys.executable, "-m", "jobqueue", *command], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_an_engine_can_replace_what_our_view_reads_once_the_view_is_gone_and_migrate_brings_it_back(
    address: str,
) -> None:
    roles = {part: f"{part}_{address.rpartition('/')[2]}" for part in ("exporter", "control", "grafana")}
    with psycopg.connect(address, autocommit=True) as conn:
        definition = conn.execute("SELECT pg_get_viewdef('graphile_worker.jobs'::regclass)").fetchone()
        assert definition
        with pytest.raises(DependentObjectsStillExist, match=r"system_status\.recent_jobs"):
            conn.execute("DROP VIEW graphile_worker.jobs")

        conn.execute("DROP VIEW system_status.recent_jobs")
        conn.execute("DROP VIEW graphile_worker.jobs")
        conn.execute(f"CREATE VIEW graphile_worker.jobs AS {definition[0]}".encode())
        jobqueue(address, "migrate")
        named = [word for part, role in roles.items() for word in (f"--{part}", role)]
        conn.execute(jobqueue(address, "grants", *named).encode())

        conn.execute(f"SET ROLE {roles['grafana']}".encode())
        conn.execute(NEWEST)
        conn.execute("RESET ROLE")
        for name in roles.values():
            conn.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


def test_an_engine_can_change_its_columns_once_recorder_and_view_are_gone(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute("DROP VIEW system_status.recent_jobs")
        conn.execute("DROP VIEW graphile_worker.jobs")
        conn.execute("ALTER TABLE graphile_worker._private_jobs DROP COLUMN is_available CASCADE")
        with pytest.raises(FeatureNotSupported, match="trigger"):
            conn.execute(OF_THE_ENGINE)

        jobqueue(address, "migrate", "--remove-recorder")

        conn.execute(OF_THE_ENGINE)


async def test_a_table_that_an_upgrade_brings_is_lacking_alone_until_grants_is_run_again(server: Server) -> None:
    """pg-boss 12.31 becomes 12.38 under a running exporter and a running control API."""
    name = server.create_database()
    address = server.url(name)
    try:
        await pgboss.install(address, "pg-boss-12.31")
        queue = source(address, engine="pgboss")
        migrate([queue], lambda line: None)
        with least_privileged(address, [queue]) as roles:
            exporter = Exporter(source(roles["exporter"], engine="pgboss"))
            before = await exporter.poll()
            with psycopg.connect(address, autocommit=True) as admin:
                admin.execute("DROP VIEW system_status.recent_jobs")
                await pgboss.install(address)
                admin.execute(
                    "INSERT INTO pgboss.job (name, state, created_on, completed_on) VALUES "
                    "('mail', 'completed', now() - interval '40 days', now() - interval '39 days')"
                )
                after = await exporter.poll()
                served = await janitor_and_pages(roles["control"])
                names = {role: urlsplit(url).username or "" for role, url in roles.items()}
                migrate([queue], lambda line: None)
                admin.execute("\n".join(grants([queue], *names.values())).encode())
            mended = await exporter.poll()
            await exporter.close()
    finally:
        server.drop_database(name)

    for page in (before, after, mended):
        assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {1.0}
        assert len(page.select(metrics.SOURCE_INFO)) == 1
    lacking = {"heartbeats": 0.0}
    assert after.by("capability", metrics.SOURCE_CAPABILITY) == before.by("capability", metrics.SOURCE_CAPABILITY)
    assert after.by("capability", metrics.SOURCE_CAPABILITY).items() >= lacking.items()
    assert mended.value(metrics.SOURCE_CAPABILITY, capability="heartbeats") == 1
    assert mended.select(metrics.SOURCE_INFO)[0][0]["engine_version"] == "12.38.0"
    assert served == {200}


async def janitor_and_pages(address: str) -> set[int]:
    """The answers of the control API to everything that doesn't change a schedule."""
    controlled = Source(name="main", dsn=SecretStr(address), engine="pgboss")
    desk = Desk([ControlledSource.open(controlled, read_only=False)], Janitor(), 100)
    await desk.open()
    try:
        for action in (Action.JANITOR, Action.FAIL_ACTIVE, Action.CANCEL_PENDING):
            await desk.ask("main", action)
            entry = await ended(desk, await desk.act(order(action, f"after the upgrade {action}")))
            assert (entry.state, entry.note) == ("done", None)
    finally:
        await desk.close()
    app = create_app([controlled], settings())
    async with TestClient(TestServer(app)) as client:
        return {(await client.get(path)).status for path in ("/control/", "/control/audit", "/control/main/janitor")}


@pytest.mark.parametrize(("kind", "table"), [("pgboss", "pgboss.instance"), ("oban-python", "public.oban_producers")])
async def test_the_reason_of_what_may_not_be_read_names_role_table_and_remedy(
    server: Server, template_of: Callable[[str], str], kind: str, table: str
) -> None:
    name = server.create_database(template_of(kind))
    queue = source(server.url(name), engine=ALL[kind].engine)
    reader = open_engine(queue.engine, None).reader
    try:
        with least_privileged(server.url(name), [queue]) as roles:
            role = urlsplit(roles["exporter"]).username
            async with await AsyncConnection.connect(roles["exporter"], autocommit=True) as conn:
                assert Capability.HEARTBEATS not in await reader.lacking(conn)
                with psycopg.connect(server.url(name), autocommit=True) as admin:
                    admin.execute(f"REVOKE ALL ON {table} FROM {role}".encode())
                    for column in open_engine(queue.engine, None).newer_tables[table.partition(".")[2]]:
                        admin.execute(f"REVOKE SELECT ({column}) ON {table} FROM {role}".encode())
                lacking = await reader.lacking(conn)
                assert lacking[Capability.HEARTBEATS] == (
                    f"role {role} may not read {table}: run python -m jobqueue grants again"
                )
                assert not (await reader.workers(conn)).rows
                assert await reader.engine_version(conn)
    finally:
        server.drop_database(name)
