"""At a million jobs each read of an engine goes through its indexes, and touches what it has to and no more."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.sql import Composed

from control_api.desk import MOST_COUNTED
from jobqueue.engines import open_engine
from jobqueue.engines.control import SqlControl
from jobqueue.engines.graphile.reader import GraphileReader
from jobqueue.engines.reader import SqlReader
from jobqueue.sql import load
from tests.conftest import Server
from tests.engines.conftest import KINDS
from tests.engines.test_ascent_plans import MARK, POLL, ROOM, SLOT, moments, scans

FILLS = load("tests.engines", "fill.sql")
KINDS_FILLED = {
    "graphile": ("graphile",),
    "oban": ("oban",),
    "oban-python": ("oban", "oban_producers"),
    "pgboss": ("pgboss",),
    "pgqueuer": ("pgqueuer",),
    "procrastinate": ("procrastinate",),
    "river": ("river",),
}
BIG = (
    "job_common",
    "procrastinate_jobs",
    "procrastinate_events",
    "river_job",
    "oban_jobs",
    "pgqueuer_log",
    "recorded_runs",
)
LIVE_ROWS = 50_000
FAILED_ROWS = 45_300
SOON = timedelta(minutes=10)
"""After all that was filled in, before what is planned for later; since the tables began to be filled."""

_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
 WHERE indrelid = ANY (SELECT oid FROM pg_class WHERE relname = ANY (%s))
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""

READS = {
    "live_counts": (ROOM, 2 * LIVE_ROWS),
    "oldest_ready": (ROOM, 2 * LIVE_ROWS),
    "oldest_active": (ROOM, 2 * LIVE_ROWS),
    "slot_counts": (POLL, 2_000),
    "new_runs": (SLOT, 1_000),
    "finished_counts": (SLOT, 1_000),
    "first_completed": (None, 1_000),
    "frontiers": (None, FAILED_ROWS + 1_000),
    "recent_jobs": (None, 10_000),
    "workers": ({"lag": "0 seconds"}, 5_000),
    "schedules": (None, 1_000),
    "ticks": ({"asked": ["type-1"]}, 11_000),
    "holds": ({"asked": ["type-1"]}, 11_000),
}
"""What each read is asked, and how many rows it may touch."""

LACKED = {
    "graphile": {"workers", "schedules", "ticks", "holds"},
    "oban": {"workers", "schedules", "holds"},
    "oban-python": {"schedules", "holds"},
    "pgboss": {"ticks"},
    "pgqueuer": {"workers", "ticks"},
    "procrastinate": {"schedules"},
    "river": {"workers", "schedules"},
}
"""What each engine's tables have no answer to."""
UNDONE = {("graphile", "active"), ("graphile", "completed")}
"""The clean-ups that an engine leaves nothing to do for, or gives no safe way."""

WHOLE_TABLE = 100_000
"""Graphile Worker's, which has indexes for its workers alone: what is live, and what was given up."""
MOST_READ = {
    ("graphile", "frontiers"): WHOLE_TABLE,
    ("graphile", "finished_counts"): WHOLE_TABLE,
    ("graphile", "oldest_ready"): 2 * WHOLE_TABLE,  # each with its task
}

MOST_TOUCHED = {"oban": 15_000, "oban-python": 15_000, "river": 15_000, "pgqueuer": 60_000, "graphile": WHOLE_TABLE}
"""To find 100: of 10,000 periodic jobs the newest stay; this PgQueuer's log begins with 50,000 rows without an end."""

MOST_CHANGED = {"pgqueuer": 125_000, "graphile": WHOLE_TABLE}
"""To change 1,000: the waiting jobs, all that failed, or the oldest 1,000 of each of fifty queues."""


@pytest.fixture(scope="module", params=KINDS_FILLED)
def filled(
    request: pytest.FixtureRequest, server: Server, template_of: Callable[[str], str]
) -> Iterator[tuple[str, psycopg.Connection]]:
    kind = request.param
    name = server.create_database(template_of(kind))
    with psycopg.connect(server.url(name), autocommit=True) as conn:
        conn.execute(MARK)
        conn.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
        indexes = conn.execute(_INDEXES, [list(BIG)]).fetchall()
        for index, _ in indexes:
            conn.execute(f"DROP INDEX {index}".encode())
        for fill in KINDS_FILLED[kind]:
            for statement in FILLS[fill].as_string().split(";\n"):
                conn.execute(statement.encode())
        for _, definition in indexes:
            conn.execute(definition.encode())
        conn.execute("VACUUM ANALYZE")
        conn.execute("SET jit = off; SET max_parallel_workers_per_gather = 0; SET work_mem = '16MB'")
        yield kind, conn
    server.drop_database(name)


def touched(nodes: Sequence[Mapping[str, Any]]) -> int:
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes
        if node["Node Type"] != "Bitmap Index Scan"
    )


@pytest.mark.parametrize("read", READS)
def test_a_read_of_a_million_jobs_scans_no_table_and_touches_few_rows(
    filled: tuple[str, psycopg.Connection], read: str
) -> None:
    kind, conn = filled
    values, at_most = READS[read]
    found = reads(kind, conn)
    assert (read not in found) == (read in LACKED[kind])
    if read in LACKED[kind]:
        return

    nodes = scans(conn, found[read], values)

    assert scanned(nodes) == []
    assert 0 < touched(nodes) <= MOST_READ.get((kind, read), at_most)


def reads(kind: str, conn: psycopg.Connection) -> Mapping[str, Composed]:
    """What is asked of an engine's tables as they are here."""
    reader = open_engine(KINDS[kind].engine, None).reader
    assert isinstance(reader, SqlReader)
    found = dict(reader.queries)
    if isinstance(reader, GraphileReader):
        found |= {name: reader.recorded.queries[name] for name in ("slot_counts", "new_runs", "first_completed")}
        found |= {name: reader.by_records.queries[name] for name in ("frontiers", "finished_counts")}
    if "parts" in found and conn.execute(found["parts"]).fetchone() == (False,):
        del found["workers"]
    return found


def control(kind: str) -> Mapping[str, Composed]:
    control = open_engine(KINDS[kind].engine, None).control
    assert isinstance(control, SqlControl)
    return control.queries


def scanned(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """The big tables that are read from one end to the other."""
    return [node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG]


@pytest.mark.parametrize("cleanup", ["pending", "completed", "failed"])
def test_asking_what_a_clean_up_concerns_looks_at_so_many_rows_however_many_are_old(
    filled: tuple[str, psycopg.Connection], cleanup: str
) -> None:
    kind, conn = filled

    assert (cleanup not in control(kind)) == ((kind, cleanup) in UNDONE)
    if (kind, cleanup) in UNDONE:
        return

    nodes = scans(conn, control(kind)[f"{cleanup}_concerned"], {"before": SOON, "at_most": 100})

    assert scanned(nodes) == []
    assert 100 <= touched(nodes) <= MOST_TOUCHED.get(kind, 5_000)


@pytest.mark.parametrize("cleanup", ["pending", "completed", "failed"])
def test_asking_for_all_that_the_control_api_counts_looks_at_a_few_rows_for_each(
    filled: tuple[str, psycopg.Connection], cleanup: str
) -> None:
    kind, conn = filled
    assert (cleanup not in control(kind)) == ((kind, cleanup) in UNDONE)
    if (kind, cleanup) in UNDONE:
        return
    asked, values = control(kind)[f"{cleanup}_concerned"], {"before": SOON, "at_most": MOST_COUNTED}

    nodes = scans(conn, asked, values)

    counted = sum(row[1] for row in conn.execute(asked, moments(conn, values)).fetchall())
    assert scanned(nodes) == []
    assert counted <= touched(nodes) <= 6 * counted


@pytest.mark.parametrize("cleanup", ["active", "pending", "completed", "failed"])
def test_a_batch_of_a_clean_up_goes_through_indexes_and_touches_what_is_live_at_the_most(
    filled: tuple[str, psycopg.Connection], cleanup: str
) -> None:
    kind, conn = filled
    assert (cleanup not in control(kind)) == ((kind, cleanup) in UNDONE)
    if (kind, cleanup) in UNDONE:
        return

    with conn.transaction(force_rollback=True):
        nodes = scans(conn, control(kind)[cleanup], {"before": SOON, "batch": 1_000, "reason": "an admin said so"})

    assert scanned(nodes) == []
    assert 100 <= touched(nodes) <= MOST_CHANGED.get(kind, 70_000)
