"""A server that is older than the oldest promised one is refused by every program, in a line that says so."""

import re
from collections.abc import AsyncIterator

import pytest

from control_api.keys import DESK
from jobqueue.session import OLDEST
from tests.control_api.service import serving
from tests.docs.pages import ROOT
from tests.exporter.process import run
from tests.exporter.wire import Wire
from tests.waiting import until_found

_SAID = f"PostgreSQL 14.9 is too old: System Status needs {OLDEST} or newer"


class OlderServer(Wire):
    """Has the server say that it is PostgreSQL 14.9, in as many characters as its own version has."""

    def changed(self, data: bytes) -> bytes:
        """Replace the version in the message that tells it."""

        def older(told: re.Match[bytes]) -> bytes:
            return told[1] + b"14.9".ljust(len(told[2]), b" ") + b"\0"

        return re.sub(rb"(server_version\0)([^\0]+)\0", older, data)


@pytest.fixture
async def old(migrated: str) -> AsyncIterator[str]:
    """The address of a migrated database on a server that is too old."""
    async with OlderServer(migrated).strung() as wire:
        yield wire.address


async def test_an_older_postgresql_is_refused_by_the_exporter_and_by_check(old: str) -> None:
    checked = await run("--check", DATABASE_URL=old)
    read = await run("--once", DATABASE_URL=old)

    assert (checked.code, read.code) == (1, 1)
    assert _SAID in checked.output
    assert _SAID in read.errors
    assert 'jobqueue_up{source="main"} 0.0' in read.output
    assert "jobqueue_jobs{" not in read.output


async def test_an_older_postgresql_is_refused_by_migrate_and_by_the_token_commands(old: str) -> None:
    migrated = await run("migrate", module="jobqueue", DATABASE_URL=old)
    listed = await run("token", "list", module="control_api", DATABASE_URL=old)

    assert (migrated.code, listed.code) == (1, 1)
    assert _SAID in migrated.errors
    assert _SAID in listed.errors


async def test_an_older_postgresql_is_refused_by_the_control_api(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving({"main": old}) as served:
        await until_found(lambda: logged(capsys, _SAID))  # at the start, before anybody asks
        asked = await served.get("/control/main/janitor")
        ordered = await served.post("/control/main/janitor", data={"request_id": "r1"})
        ready = await served.get("/readyz")

        assert (asked.status, ordered.status, ready.status) == (409, 409, 503)
        for answer in (asked, ordered):
            assert _SAID in await answer.text()
        [reason] = (await served.app[DESK].ready()).values()
        assert _SAID in str(reason)  # which the program logs


async def logged(capsys: pytest.CaptureFixture[str], text: str) -> bool:
    captured = capsys.readouterr()
    return text in captured.out + captured.err


def test_the_readme_names_the_oldest_postgresql() -> None:
    assert f"PostgreSQL {OLDEST} or newer" in (ROOT / "README.md").read_text("utf-8")


def test_the_oldest_postgresql_that_is_promised_is_one_of_those_that_the_tests_run_on() -> None:
    assert f"postgresql/{OLDEST}/bin" in (ROOT / "tests/postgres15.py").read_text("utf-8")
