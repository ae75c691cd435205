"""Whatever right is missing, the check says so with the SQL that gives it, also where PostgreSQL refuses to look."""

from urllib.parse import urlsplit

import psycopg
import pytest
from pydantic import SecretStr

from jobqueue.check import Code, Roles, fix_sql, lines, look_at_source
from jobqueue.check.rights import Right, printed_rights
from jobqueue.engines import open_engine
from jobqueue.tables.grants import queue_grants, view_grants
from jobqueue.tables.migrate import migrate, migrations
from tests.check.test_databases import names
from tests.check.test_databases import roles as roles
from tests.exporter.scrape import source
from tests.security.roles import PASSWORD, as_role, drop_roles


@pytest.mark.parametrize("schema", ["ascent", "system_status"])
async def test_a_role_that_may_not_use_a_schema_hears_which_right_it_lacks(
    migrated: str, roles: dict[str, str], schema: str
) -> None:
    with psycopg.connect(migrated) as conn:
        conn.execute(f"REVOKE USAGE ON SCHEMA {schema} FROM {names(roles).exporter}".encode())

    report = await look_at_source(source(roles["exporter"]), names(roles))

    assert Code.UNREACHABLE not in [finding.code for finding in report.findings]
    [lacking] = [finding for finding in report.findings if finding.code is Code.ROLE_LACKS]
    assert f'USAGE on schema "{schema}"' in lacking.text


async def test_the_role_that_counts_is_the_one_that_a_login_has_set(migrated: str, roles: dict[str, str]) -> None:
    exporter = names(roles).exporter
    login = f"login_{exporter}"
    address = as_role(migrated, login)
    with psycopg.connect(migrated) as conn:
        conn.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' NOINHERIT".encode())
        conn.execute(f"GRANT {exporter} TO {login} WITH INHERIT FALSE".encode())
        conn.execute(f"ALTER ROLE {login} SET role = {exporter}".encode())
    try:
        assert (await look_at_source(source(address))).findings == []
        assert (await look_at_source(source(address), names(roles))).findings == []
    finally:
        drop_roles(migrated, login)


async def test_sql_for_our_tables_in_another_database_is_not_run_in_the_queues(
    migrated: str, roles: dict[str, str], empty_database: str
) -> None:
    elsewhere = as_role(empty_database, names(roles).exporter)
    migrate([source(migrated, store_dsn=SecretStr(empty_database))], lambda line: None, moved=["main"])
    with psycopg.connect(empty_database) as conn:
        conn.execute(f"GRANT USAGE ON SCHEMA system_status TO {names(roles).exporter}".encode())
    try:
        report = await look_at_source(source(roles["exporter"], store_dsn=SecretStr(elsewhere)))
    finally:
        with psycopg.connect(empty_database) as conn:
            conn.execute(f"DROP OWNED BY {names(roles).exporter}".encode())

    assert [finding.code for finding in report.findings] == [Code.TABLES_UNWRITABLE]
    printed = list(fix_sql([report]))
    assert all(line.startswith("--") for line in printed)
    assert any("GRANT SELECT ON system_status.migrations" in line for line in printed)
    name = urlsplit(empty_database).path[1:]
    assert any(f"in database {name}" in line for line in printed)
    assert any(f"in database {name}" in line for line in lines(report))


@pytest.mark.parametrize("version", [0, 7])
async def test_the_sql_runs_as_it_stands_also_before_our_tables_are_made_or_upgraded(
    database: str, version: int
) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        if version:
            conn.execute("CREATE SCHEMA system_status")
            conn.execute("CREATE TABLE system_status.migrations (version int, name text, checksum text)")
            for migration in migrations()[:version]:
                conn.execute(migration.text.encode())
                conn.execute("INSERT INTO system_status.migrations VALUES (%s)", [migration.version])
        unready = Roles(*(f"{role}_{urlsplit(database).path[1:]}" for role in ("exporter", "control", "grafana")))
        every = (unready.exporter, unready.control, unready.grafana)
        for role in every:
            conn.execute(f"CREATE ROLE {role} LOGIN".encode())
        try:
            report = await look_at_source(source(database), unready)
            conn.execute("\n".join(fix_sql([report])).encode())
        finally:
            drop_roles(database, *every)

    [exporter, *_] = [finding for finding in report.findings if finding.code is Code.ROLE_LACKS]
    assert exporter.commands == ("python -m jobqueue migrate", "python -m jobqueue grants --rights")
    assert any("GRANT" in statement for finding in report.findings for statement in finding.sql)


async def test_roles_that_may_not_connect_hear_it_before_they_try(migrated: str, roles: dict[str, str]) -> None:
    name = urlsplit(migrated).path[1:]
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC".encode())
        report = await look_at_source(source(migrated), names(roles))
        lacking = [finding for finding in report.findings if finding.code is Code.ROLE_LACKS]
        conn.execute("\n".join(fix_sql([report])).encode())

    assert [f"may not connect to database {name}" in finding.text for finding in lacking] == [True] * 3
    assert (await look_at_source(source(roles["exporter"]), names(roles))).findings == []


def test_a_name_with_a_line_like_a_comment_is_no_comment() -> None:
    odd = 'a\n-- b "c'
    rights = printed_rights(
        ["-- GRANT SELECT ON no.thing TO nobody;", *view_grants(odd), *queue_grants(open_engine("ascent", odd), "r")]
    )

    assert Right("schema", '"a\n-- b ""c"', None, "USAGE") in rights
    assert not any("no.thing" in right.place for right in rights)
