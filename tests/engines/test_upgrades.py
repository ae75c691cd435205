"""What of ours an engine's own migrations may run into, and what the documentation says to do then."""

import sys
from collections.abc import Callable, Iterator
from subprocess import run

import psycopg
import pytest
from psycopg.errors import DependentObjectsStillExist, FeatureNotSupported

from tests.conftest import Server

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
