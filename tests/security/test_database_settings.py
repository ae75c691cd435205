"""No setting of a role or a database changes a figure, an order or a message of any program."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from control_api.sources import ControlledSource
from exporter.database import Database
from jobqueue.engine import Conn
from jobqueue.session import writing
from jobqueue.sql import load
from tests.conftest import Server
from tests.exporter.scrape import Exporter, source
from tests.security.judged import LEFT_OUT, TRIED
from tests.security.observed import drop_roles, fill, observed
from tests.security.roles import PASSWORD, as_role
from tests.security.roles import drop_roles as drop

_SETTINGS = """
SELECT name, vartype, boot_val, enumvals FROM pg_settings
 WHERE context IN ('user', 'superuser') AND (name NOT LIKE '%.%' OR name LIKE 'plpgsql.%') ORDER BY name
"""
_BOUNDS = ("statement_timeout", "lock_timeout", "transaction_timeout", "idle_in_transaction_session_timeout")
_TURNS = {"form": 5, "transactions": 3, "plans": 2, "server": 3}
"""How many odd values a setting of each group has at most: so often they are all set at once."""
Setting = tuple[str, str | None, list[str] | None]


@pytest.fixture(scope="module")
def queue(server: Server, template: str) -> Iterator[str]:
    """A database with a queue in which something goes on, and nothing of ours yet; to be copied."""
    name = server.create_database(template)
    with psycopg.connect(server.url(name), autocommit=True) as conn:
        fill(conn)
    yield name
    server.drop_database(name)


@pytest.fixture(scope="module")
def settings(server: Server) -> Mapping[str, Setting]:
    """Those that can be set for a role or a database, those of plpgsql included."""
    with psycopg.connect(server.address) as conn:
        conn.execute("LOAD 'plpgsql'")
        return {name: (kind, usual, values) for name, kind, usual, values in conn.execute(_SETTINGS.encode())}


@pytest.fixture(scope="module")
def usual(server: Server, queue: str) -> Mapping[str, object]:
    """What is to be observed."""
    return asyncio.run(_observed(server, queue, {}))


def test_somebody_has_judged_each_setting_of_this_version(settings: Mapping[str, Setting]) -> None:
    tried = [name for group in TRIED.values() for name in group.values]

    assert settings.keys() - set(tried) - LEFT_OUT.keys() == set()
    assert len(set(tried)) == len(tried)
    assert LEFT_OUT.keys().isdisjoint(tried)
    assert all(group.why for group in TRIED.values())
    for group, turns in _TURNS.items():
        assert {name: found for name, found in _odd_values(group, settings).items() if len(found) > turns} == {}


@pytest.mark.parametrize(("group", "turn"), [(group, turn) for group in TRIED for turn in range(_TURNS[group])])
def test_odd_settings_of_a_database_change_nothing(
    server: Server, queue: str, settings: Mapping[str, Setting], usual: Mapping[str, object], group: str, turn: int
) -> None:
    odd = _odd_values(group, settings)
    values = {name: found[turn % len(found)] for name, found in odd.items() if turn == 0 or turn < len(found)}
    seen = asyncio.run(_observed(server, queue, values))

    assert seen.keys() == usual.keys()
    for what, expected in usual.items():
        assert seen[what] == expected, what


async def test_a_login_that_becomes_another_role_has_the_rights_of_that_one(
    migrated: str, roles: dict[str, str]
) -> None:
    login = f"login_{urlsplit(migrated).path[1:]}"
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {login} LOGIN NOINHERIT PASSWORD '{PASSWORD}'".encode())
        conn.execute(f"GRANT {urlsplit(roles['exporter']).username} TO {login}".encode())
        conn.execute(f"ALTER ROLE {login} SET role = '{urlsplit(roles['exporter']).username}'".encode())
    exporter = Exporter(source(as_role(migrated, login)))
    try:
        page = await exporter.poll(rounds=2)
    finally:
        await exporter.close()
        drop(migrated, login)

    assert set(page.by("collector", "jobqueue_collector_success").values()) == {1.0}


async def test_our_bounds_of_time_hold_whatever_a_database_has(migrated: str) -> None:
    with psycopg.connect(migrated, autocommit=True) as conn:
        names = [
            name for name in _BOUNDS if conn.execute("SELECT FROM pg_settings WHERE name = %s", (name,)).fetchone()
        ]
        for name in names:
            conn.execute(f'ALTER DATABASE "{conn.info.dbname}" SET {name} = 7777777'.encode())
    seen: dict[str, Sequence[str]] = {}
    for read_only in (True, False):
        async with Database(migrated, 1, read_only=read_only) as database, database.transaction() as reads:
            seen[f"exporter {read_only}"] = await _shown(reads, names)
    controlled = ControlledSource.open(source(migrated), read_only=False)
    async with controlled.pool, controlled.reading() as reads:
        seen["control API, reading"] = await _shown(reads, names)
    async with controlled.own_connection() as writes, writes.transaction():
        await controlled.begin_writing(writes)
        seen["control API, writing"] = await _shown(writes, names)
    with psycopg.connect(migrated) as migrates:
        migrates.execute(writing(migrates))
        migrates.execute(load("jobqueue.tables")["limits"])
        seen["migrate"] = migrates.execute(_query(names)).fetchone() or ()

    assert {what: [value for value in values if value == "7777777ms"] for what, values in seen.items()} == {
        what: [] for what in seen
    }


async def _shown(conn: Conn, names: Sequence[str]) -> Sequence[str]:
    return await (await conn.execute(_query(names))).fetchone() or ()


def _query(names: Sequence[str]) -> bytes:
    return f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}".encode()


async def _observed(server: Server, queue: str, values: Mapping[str, str]) -> Mapping[str, object]:
    name = server.create_database(queue)
    try:
        with psycopg.connect(server.url(name), autocommit=True) as conn:
            for setting, value in values.items():
                words = value.split(", ") if setting == "search_path" else [value]
                conn.execute(
                    sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                        sql.Identifier(name),
                        sql.Identifier(*setting.split(".")),
                        sql.SQL(", ").join(map(sql.Literal, words)),
                    )
                )
        return await observed(server.url(name))
    finally:
        with psycopg.connect(server.url(name), autocommit=True, options="-c default_transaction_read_only=off") as conn:
            drop_roles(conn)
        server.drop_database(name)


def _odd_values(group: str, settings: Mapping[str, Setting]) -> Mapping[str, Sequence[str]]:
    """What to try of those that this version has."""
    tried = {name: values for name, values in TRIED[group].values.items() if name in settings}
    return {name: found for name, values in tried.items() if (found := values or _others(settings[name]))}


def _others(setting: Setting) -> Sequence[str]:
    kind, usual, values = setting
    if kind == "bool":
        return ["off" if usual == "on" else "on"]
    assert values is not None, f"{setting} has no values to choose from: name some"
    return [value for value in values if value != usual]
