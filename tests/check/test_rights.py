"""Whatever right is missing, the check says so with the SQL that gives it, also where PostgreSQL refuses to look."""

import psycopg
import pytest

from jobqueue.check import Code, look_at_source
from tests.check.test_databases import names
from tests.check.test_databases import roles as roles
from tests.exporter.scrape import source


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
