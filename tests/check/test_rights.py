"""Whatever right is missing, the check says so with the SQL that gives it, also where PostgreSQL refuses to look."""

import psycopg
import pytest

from jobqueue.check import Code, look_at_source
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
