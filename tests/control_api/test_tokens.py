"""Tokens of scripts: shown once, kept as hashes, each for its own actions."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import psycopg
import pytest
from multidict import CIMultiDict
from pydantic import SecretStr
from structlog.testing import capture_logs

from control_api.auth.token import TokenAuthenticator
from control_api.sources import ControlledSource
from control_api.tokens import add_token_commands, run_token_command
from jobqueue.config import Settings, Source
from tests.control_api.gate import FROM_OUR_PAGE, Gate, gate

JANITOR = "/control/main/janitor"
ACTIONS = "run, janitor, fail-active, cancel-pending"


def source(dsn: str) -> Source:
    return Source(name="main", dsn=SecretStr(dsn))


@asynccontextmanager
async def door(dsn: str) -> AsyncIterator[Gate]:
    controlled = ControlledSource.open(source(dsn), read_only=False)
    async with controlled.pool, gate(TokenAuthenticator(controlled)) as served:
        yield served


def command(dsn: str, *words: str) -> int:
    parser = argparse.ArgumentParser(prog="control_api")
    add_token_commands(parser.add_subparsers(required=True))
    return run_token_command(parser.parse_args(["token", *words]), Settings(sources=(source(dsn),)), "control_api")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def token(migrated: str, capsys: pytest.CaptureFixture[str]) -> str:
    """A new token called ci that allows run and janitor."""
    assert command(migrated, "new", "--name", "ci", "--allow", "run,janitor") == 0
    return capsys.readouterr().out.removesuffix("\n")


async def test_a_token_is_printed_alone_and_lets_its_script_in(
    migrated: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(migrated, "new", "--name", "ci", "--allow", "janitor, run") == 0
    printed = capsys.readouterr()

    async with door(migrated) as served:
        looked = await served.get(**bearer(printed.out.strip()))
        acted = await served.post(JANITOR, bearer(printed.out.strip()))

    assert len(printed.out.split()) == 1
    assert printed.err == "ci may run, janitor. Keep it: it isn't shown again.\n"
    assert (looked.status, await looked.text()) == (200, "token:ci")
    assert (acted.status, (await acted.json())["actor"]) == (200, "token:ci")


async def test_only_the_hash_of_a_token_is_kept(migrated: str, token: str) -> None:
    with psycopg.connect(migrated) as conn:
        [row] = conn.execute("SELECT name, hash, allow, revoked_at FROM system_status.api_tokens").fetchall()

    assert row == ("ci", sha256(token.encode()).digest(), ["run", "janitor"], None)
    assert len(token) > 40


async def test_a_token_without_the_right_is_403_and_may_look(migrated: str, token: str) -> None:
    async with door(migrated) as served:
        acted = await served.post("/control/main/fail-active", bearer(token))
        looked = await served.get(**bearer(token))

    assert (acted.status, looked.status) == (403, 200)
    assert (await acted.json())["detail"] == "token:ci may not fail-active; it may: janitor, run"
    assert served.refusals == {("main", "fail-active"): 1}


async def test_a_revoked_token_is_401_at_once(migrated: str, token: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with door(migrated) as served:
        before = await served.get(**bearer(token))
        assert command(migrated, "revoke", "ci") == 0
        with capture_logs() as logs:
            after = await served.get(**bearer(token))

    assert (before.status, after.status) == (200, 401)
    assert after.headers["WWW-Authenticate"] == 'Bearer realm="system-status", error="invalid_token"'
    assert capsys.readouterr().err == "ci is revoked.\n"
    [line] = logs
    assert (line["reason"], line["actor"]) == ("token-revoked", "token:ci")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Basic Y2k6Y2k="}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer unknown"}, 401),
        ({"Authorization": "Bearer é\udcff"}, 401),
        ({"Authorization": "Bearer TOKEN more"}, 401),
        ({"Authorization": "BearerTOKEN"}, 401),
        ({"Cookie": "token=TOKEN"}, 401),
        ({"Authorization": "bearer TOKEN"}, 200),
        ({"Authorization": "Bearer   TOKEN "}, 200),
    ],
)
async def test_only_a_bearer_token_counts(migrated: str, token: str, headers: dict[str, str], status: int) -> None:
    given = {name: value.replace("TOKEN", token) for name, value in headers.items()}

    async with door(migrated) as served:
        answer = await served.get(**given)

    assert answer.status == status
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("others", [["Bearer other"], ["Basic Y2k6Y2k="]])
async def test_two_credentials_at_once_are_401(migrated: str, token: str, others: list[str]) -> None:
    headers = CIMultiDict([("Authorization", text) for text in [f"Bearer {token}", *others]])

    async with door(migrated) as served, served.session.get("/control/", headers=headers) as answer:
        assert answer.status == 401


async def test_nothing_of_a_token_is_logged(migrated: str, token: str) -> None:
    with capture_logs() as logs:
        async with door(migrated) as served:
            await served.get(**bearer(f"{token}x"))
            await served.get(**bearer(token.swapcase().replace("SST_", "sst_")))
            await served.post("/control/main/fail-active", bearer(token), {"secret": "body"})

    assert [line["reason"] for line in logs] == ["token-malformed", "token-unknown", "action-not-allowed"]
    assert token not in repr(logs)
    assert "secret" not in repr(logs)


async def test_a_token_in_a_browser_with_cookies_needs_its_own_origin(migrated: str, token: str) -> None:
    with_cookies = bearer(token) | {"Cookie": "a=b"}

    async with door(migrated) as served:
        from_anywhere = await served.post(JANITOR, with_cookies)
        from_our_page = await served.post(JANITOR, with_cookies | FROM_OUR_PAGE)

    assert (from_anywhere.status, from_our_page.status) == (403, 200)


def test_a_name_is_given_once_even_if_its_token_is_revoked(
    migrated: str, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    again = command(migrated, "new", "--name", "ci", "--allow", "run")
    assert command(migrated, "revoke", "ci") == 0
    after = command(migrated, "new", "--name", "ci", "--allow", "run")

    assert (again, after) == (1, 1)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("control_api token: there is a token ci already")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["new", "--name", "ci", "--allow", "run,janitr"],
            f"argument --allow: found 'janitr', allowed: {ACTIONS} (did you mean janitor?)",
        ),
        (
            ["new", "--name", "ci", "--allow", " "],
            f"argument --allow: found ' ', allowed: {ACTIONS}",
        ),
        (
            ["new", "--name", "a b", "--allow", "run"],
            "argument --name: found 'a b', allowed: up to 63 letters, digits and . _ -",
        ),
        (["new", "--allow", "run"], "the following arguments are required: --name"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(
    empty_database: str, words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command(empty_database, *words)

    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].partition("error: ")[2] == line


def test_a_list_shows_names_actions_and_dates_and_no_token(
    migrated: str, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command(migrated, "new", "--name", "ops", "--allow", "fail-active")
    command(migrated, "revoke", "ops")
    capsys.readouterr()

    assert command(migrated, "list") == 0

    printed = capsys.readouterr().out
    first, second = (line.split() for line in printed.splitlines())
    assert (first[:2], first[-1]) == (["ci", "run,janitor"], "valid")
    assert (second[:2], second[-4]) == (["ops", "fail-active"], "revoked")
    assert token not in printed


def test_an_unknown_name_cannot_be_revoked(migrated: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(migrated, "revoke", "nobody") == 1

    assert capsys.readouterr().err == (
        "control_api token: there is no token nobody; token list shows those that there are\n"
    )


async def test_without_tables_it_says_what_makes_them(empty_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capture_logs() as logs:
        async with door(empty_database) as served:
            answer = await served.get(**bearer(f"sst_{'a' * 43}"))
    ended = command(empty_database, "list")

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert "system_status.api_tokens" in logs[0]["error"]
    assert (await answer.json())["type"] == "urn:problem-type:unavailable"
    assert ended == 1
    assert "(python -m jobqueue migrate makes it)" in capsys.readouterr().err


async def test_an_action_that_is_no_more_is_no_right(migrated: str, token: str) -> None:
    with psycopg.connect(migrated) as conn:
        conn.execute("UPDATE system_status.api_tokens SET allow = '{jump,janitor}'")

    async with door(migrated) as served:
        answer = await served.post("/control/main/fail-active", bearer(token))

    assert (await answer.json())["detail"] == "token:ci may not fail-active; it may: janitor"
