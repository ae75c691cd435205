"""The tables that read PostgreSQL: their statements run on a migrated database, and stay cheap in a large one."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from jobqueue.config import Source
from jobqueue.tables.migrate import migrate
from tests.conftest import Server
from tests.dashboards.dashboards import columns, panels

STATEMENTS = {name: panel["targets"][0]["rawSql"] for name, panel in panels() if "rawSql" in panel["targets"][0]}
TABLES = {name: panel for name, panel in panels() if name in STATEMENTS}
ROWS = 1_000_000

_JOBS = """
INSERT INTO ascent.jobs (job_type, state, created_at, started_at, finished_at)
SELECT 'type-' || (n %% 50), 'completed', at, at, at + interval '1 s'
  FROM (SELECT n, now() - interval '1 s' * (%s - n) AS at FROM generate_series(1, %s) AS n) AS jobs
"""


def filled_in(statement: str, source: str = "main", job_type: str = "type-7") -> str:
    """As Grafana sends it: ``csv`` joins with commas, ``sqlstring`` quotes and doubles quotes."""
    quoted = "'" + job_type.replace("'", "''") + "'"
    return statement.replace("${source:csv}", source).replace("${job_type:sqlstring}", quoted)


@pytest.fixture(scope="module")
def large(server: Server, template: str) -> Iterator[psycopg.Connection]:
    """A queue that has kept a million jobs."""
    name = server.create_database(template)
    migrate([Source(name="main", dsn=SecretStr(server.url(name)))], lambda line: None)
    with psycopg.connect(server.url(name), autocommit=True) as conn:
        conn.execute(_JOBS, (ROWS, ROWS))
        conn.execute("VACUUM ANALYZE ascent.jobs")
        yield conn
    server.drop_database(name)


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_gives_the_columns_that_its_table_shows(name: str, migrated: str) -> None:
    with psycopg.connect(migrated) as conn:
        cursor = conn.execute(filled_in(STATEMENTS[name]).encode())

        assert cursor.description is not None
        headers = [column.name for column in cursor.description if column.name != "source"]
    assert headers == columns(TABLES[name])


@pytest.mark.parametrize("source", ["", "main", "main,eu"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_shows_the_chosen_sources_newest_first(name: str, source: str, large: psycopg.Connection) -> None:
    cursor = large.execute(filled_in(STATEMENTS[name], source).encode())
    assert cursor.description is not None
    headers = [column.name for column in cursor.description]
    rows = [dict(zip(headers, row, strict=True)) for row in cursor]

    assert {row["Source"] for row in rows} == {"main"}
    assert rows == sorted(rows, key=lambda row: row["Created"], reverse=True)
    assert len(rows) == (50 if "ID" not in headers else 20)


@pytest.mark.parametrize("name", STATEMENTS)
def test_another_source_has_no_rows(name: str, large: psycopg.Connection) -> None:
    assert large.execute(filled_in(STATEMENTS[name], "eu").encode()).fetchall() == []


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_quote_in_a_job_types_name_stays_a_quote(name: str, large: psycopg.Connection) -> None:
    large.execute(filled_in(STATEMENTS[name], job_type="it's").encode())


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_reads_a_thousand_of_a_million_rows_by_key(name: str, large: psycopg.Connection) -> None:
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {filled_in(STATEMENTS[name])}"
    row = large.execute(explain.encode()).fetchone()
    assert row is not None

    read = [node for node in _nodes(row[0][0]["Plan"]) if node.get("Relation Name") == "jobs"]

    assert [node.get("Index Name") for node in read] == ["jobs_pkey"]
    assert sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in read) <= 1000


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)
