"""Each read of the Ascent queue goes through the index it names: its cost doesn't follow what is stored."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from jobqueue.engines.reader import queries
from jobqueue.sql import load
from tests.conftest import Server

ROWS = 300_000
FINISHED_SHARE = 0.95
CONTROL = load("jobqueue.engines.ascent", "control.sql", schema="ascent")
QUERIES = queries("jobqueue.engines.ascent", "ascent")

ROOM = {"known": ["type-1"], "places": 1000}
NOW = timedelta()
"""A moment since the table began to be filled, as all others here: that may be long after the tests were collected."""
POLL = {"since": timedelta(minutes=-3), "until": timedelta(days=1), "slot_seconds": 15, **ROOM}
SLOT = {"since": timedelta(seconds=-30), "until": NOW, "slot_seconds": 15, "counted": "{}", "keep_ends": True, **ROOM}
MARK = "CREATE TABLE filled_from AS SELECT now() AS moment"

_FILL = f"""
INSERT INTO ascent.jobs (job_type, state, run_after, created_at, started_at, finished_at)
SELECT 'type-' || (n % 50), state, due, due,
       CASE WHEN state NOT IN ('pending', 'retry') THEN due + interval '1 s' END,
       CASE WHEN state IN ('completed', 'failed', 'cancelled') THEN due + interval '7 days' * {1 - FINISHED_SHARE} END
  FROM (SELECT n,  -- the newest finish lies at now
               now() - interval '7 days' * (1 - n / {ROWS}.0) AS due,
               (CASE WHEN n > {ROWS * FINISHED_SHARE} THEN
                     CASE n % 40 WHEN 0 THEN 'active' WHEN 1 THEN 'retry' ELSE 'pending' END
                ELSE CASE n % 20 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'completed' END
                END)::ascent.job_state AS state
          FROM generate_series(1, {ROWS}) AS n) AS jobs
"""


@pytest.fixture(scope="module")
def filled(server: Server, template: str) -> Iterator[psycopg.Connection]:
    """A queue with a week of history, of which the newest tenth of a percent matters."""
    name = server.create_database(template)
    with psycopg.connect(server.url(name), autocommit=True) as conn:
        conn.execute(MARK)
        conn.execute(_FILL.encode())
        conn.execute("VACUUM ANALYZE ascent.jobs")
        conn.execute("SET jit = off; SET max_parallel_workers_per_gather = 0")
        yield conn
    server.drop_database(name)


def moments(conn: psycopg.Connection, values: Mapping[str, object]) -> Mapping[str, object]:
    """The values of a query, moments among them made times."""
    [begin] = conn.execute("SELECT moment FROM filled_from").fetchone() or (None,)
    assert begin
    return {name: begin + value if isinstance(value, timedelta) else value for name, value in values.items()}


def scans(conn: psycopg.Connection, query: sql.Composed, values: Mapping[str, object] | None) -> list[dict[str, Any]]:
    """The nodes of the plan that read the table, as they ran."""
    explain = sql.SQL("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ") + query
    row = conn.execute(explain, values and moments(conn, values)).fetchone()
    assert row is not None
    pending, found = [row[0][0]["Plan"]], []
    while pending:
        node = pending.pop()
        pending += node.get("Plans", [])
        if "Relation Name" in node or "Index Name" in node:
            found.append(node)
    return found


@pytest.mark.parametrize(
    ("name", "values", "index"),
    [
        ("live_counts", ROOM, "jobs_live"),
        ("oldest_ready", ROOM, "jobs_live"),
        ("oldest_active", ROOM, "jobs_live"),
        ("slot_counts", POLL, "jobs_finished"),
        ("new_runs", SLOT, "jobs_finished"),
        ("first_completed", None, "jobs_finished"),
        ("frontiers", None, "jobs_finished"),
        ("finished_counts", SLOT, "jobs_finished"),
        ("recent_jobs", None, "jobs_pkey"),
    ],
)
def test_a_read_uses_its_index(
    filled: psycopg.Connection, name: str, values: Mapping[str, object] | None, index: str
) -> None:
    nodes = scans(filled, QUERIES[name], values)

    assert nodes
    assert all(node["Node Type"] != "Seq Scan" for node in nodes), nodes
    assert {node["Index Name"] for node in nodes if "Index Name" in node} == {index}


@pytest.mark.parametrize(
    ("name", "values", "at_most"),
    [
        ("oldest_ready", ROOM, 3 * 50 + 1),
        ("slot_counts", POLL, 500),
        ("new_runs", SLOT, 100),
        ("first_completed", None, 1),
        ("frontiers", None, 3),
        ("finished_counts", SLOT, 100),
        ("recent_jobs", None, 1000),
    ],
)
def test_a_read_touches_few_rows_however_much_is_stored(
    filled: psycopg.Connection, name: str, values: Mapping[str, object] | None, at_most: int
) -> None:
    nodes = scans(filled, QUERIES[name], values)

    touched = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in nodes
    )
    assert 0 < touched <= at_most


@pytest.mark.parametrize("name", ["pending", "completed", "failed"])
def test_asking_what_a_clean_up_concerns_looks_at_so_many_rows_however_many_are_old(
    filled: psycopg.Connection, name: str
) -> None:
    values = {"before": NOW, "at_most": 100}

    nodes = scans(filled, CONTROL[f"{name}_concerned"], values)

    touched = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in nodes
    )
    assert 100 <= touched <= 200  # of thousands


def test_the_newest_fifty_of_the_view_are_cheap_in_any_order(filled: psycopg.Connection) -> None:
    view = sql.SQL("SELECT * FROM ({}) AS jobs ORDER BY created_at DESC LIMIT 50").format(QUERIES["recent_jobs"])

    touched = sum(node["Actual Rows"] * node["Actual Loops"] for node in scans(filled, view, None))

    assert touched <= 1000
