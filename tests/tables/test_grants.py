"""Roles and rights can be given by two people: one who may make roles, and one who owns the tables."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, UndefinedObject

from demo.postgres import EmbeddedPostgres
from tests.conftest import SCHEMA
from tests.exporter.process import run


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server of its own, with a queue whose owner may make neither roles nor databases."""
    with EmbeddedPostgres.start() as postgres:
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as conn:
            conn.execute("CREATE ROLE owner LOGIN")
            conn.execute("CREATE ROLE dba LOGIN CREATEROLE")
            conn.execute("CREATE DATABASE app OWNER owner")
        yield postgres.url("app")


def of(role: str, address: str) -> str:
    return address.replace("postgres@", f"{role}@")


async def printed(address: str, *part: str) -> bytes:
    ended = await run("grants", *part, module="jobqueue", DATABASE_URL=address)
    assert (ended.code, ended.errors) == (0, "")
    return ended.output.encode()


async def test_a_dba_and_an_owner_give_roles_and_rights_each_as_often_as_they_like(address: str) -> None:
    owner, dba = of("owner", address), of("dba", address)
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute(SCHEMA.read_bytes())
    migrated = await run("migrate", module="jobqueue", DATABASE_URL=owner)
    assert migrated.code == 0, migrated.errors
    roles, rights, whole = await printed(owner, "--roles"), await printed(owner, "--rights"), await printed(owner)

    with psycopg.connect(owner, autocommit=True) as conn:
        with pytest.raises(UndefinedObject, match=r"(?s)role system_status_exporter is missing.*grants --roles"):
            conn.execute(rights)
        conn.execute("ROLLBACK")
        with pytest.raises(InsufficientPrivilege, match=r"(?s)owner may not make it.*grants --roles.*grants --rights"):
            conn.execute(whole)
    with psycopg.connect(dba, autocommit=True) as conn:
        conn.execute(roles)
        conn.execute(roles)
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute(rights)
        conn.execute(rights)
        conn.execute(whole)  # what the DBA did is left as it is

    checked = await run("--check", DATABASE_URL=of("system_status_exporter", address))
    assert (checked.code, checked.output) == (0, "main: ok\n")
    with psycopg.connect(of("system_status_grafana", address)) as conn:
        assert conn.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        assert conn.execute("SELECT count(*) FROM system_status.recent_jobs").fetchone() == (0,)
    with psycopg.connect(of("system_status_control", address)) as conn:
        conn.execute("SELECT FROM system_status.admin_actions")


async def test_each_part_holds_nothing_of_the_other(address: str) -> None:
    roles, rights = await printed(address, "--roles"), await printed(address, "--rights")

    assert b"GRANT" not in roles
    assert b"CREATE ROLE" not in rights
    assert b"ALTER ROLE" not in rights
