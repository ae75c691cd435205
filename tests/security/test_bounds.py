"""A text or a list without a bound doesn't come out of a database: whoever adds one is told here."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import resources
from typing import Any, get_args, get_origin, get_type_hints

import psycopg
import pytest
from psycopg import sql

from control_api.audit import AuditEntry
from control_api.tokens import Token
from jobqueue import bounds, rows
from jobqueue.engines import ENGINES, open_engine
from jobqueue.engines.bounded import NUMBERS, bounded, bounded_control
from jobqueue.engines.control import SqlControl
from jobqueue.engines.graphile.reader import GraphileReader
from jobqueue.engines.reader import SqlReader, of_finished
from jobqueue.schedules import Standing
from jobqueue.sql import load
from tests.security.floods import UNCHECKED

LISTS = {"cells": "cells", "steps": "steps", "allow": "allowed"}
"""Lists within a row, and their bounds by name."""
HUGE = 1_000_000
PIECES = {"finished"}
"""Never asked by itself."""
ROWS = [each for each in vars(rows).values() if is_dataclass(each) and each not in (rows.Listed, rows.NewRuns)]
VALUES = {
    "known": ["kept"],
    "places": 2,
    "asked": [],
    "job_type": "n" * HUGE,
    "slot_seconds": 15,
    "counted": "{}",
    "keep_ends": True,
}


@pytest.mark.parametrize("row", [*ROWS, AuditEntry, Token, Standing], ids=lambda row: row.__name__)
def test_every_text_and_every_list_of_a_row_has_a_bound(row: Any) -> None:
    for name, kind in get_type_hints(row).items():
        kinds = {kind, *get_args(kind)} if get_origin(kind) not in (list, tuple, Sequence) else {get_origin(kind)}
        if name == "state" and str not in kinds:
            continue  # one of ours
        if str in kinds:
            assert name in {**bounds.NAMES, **bounds.TEXTS}, (
                f"{row.__name__}.{name}: give it a bound in jobqueue.bounds"
            )
        if kinds & {list, tuple, Sequence}:
            assert LISTS[name] in bounds.LISTS, f"{row.__name__}.{name}: give it a bound in jobqueue.bounds"
    assert fields(row)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_query_of_every_engine_is_bounded(engine: str) -> None:
    opened = open_engine(engine, None)
    assert isinstance(opened.reader, SqlReader)
    assert isinstance(opened.control, SqlControl)
    read = dict(opened.reader.queries)
    if isinstance(opened.reader, GraphileReader):
        for where, reader in (("recorded", opened.reader.recorded), ("by records", opened.reader.by_records)):
            read |= {f"{where}: {name}": query for name, query in reader.queries.items()}
    for name, query in read.items():
        known = name.rpartition(": ")[2]
        if known in NUMBERS | PIECES or known.startswith(("index_", "make_", "remove_", "grants")):
            continue
        assert "AS unbounded" in query.as_string(), f"{engine}: {name} needs a query around it in bounded.sql"
    for name, query in opened.control.queries.items():
        asks = name.endswith("_concerned") or name == "at_active"
        assert asks == ("AS unbounded" in query.as_string()), f"{engine}: {name}"
    assert "AS unbounded" in opened.recent_jobs.as_string()


HUGE_ROWS: Mapping[str, str] = {
    "engine_version": "SELECT repeat('v', 1000000)",
    "older_version": "SELECT repeat('v', 1000000)",
    "live_counts": "SELECT repeat('j', 1000000) || n, 'pending', 1, 0 FROM generate_series(1, 9) AS n",
    "oldest_ready": "SELECT repeat('j', 1000000) || n, now() FROM generate_series(1, 9) AS n",
    "oldest_active": "SELECT repeat('j', 1000000) || n, now() FROM generate_series(1, 9) AS n",
    "finished_counts": "SELECT 1, repeat('j', 1000000) || n, 'failed', 1 FROM generate_series(1, 9) AS n",
    "frontiers": "SELECT repeat('s', 1000000), now()",
    "workers": """SELECT repeat('w', 1000000) || n, repeat('h', 1000000), 1, repeat('m', 1000000), repeat('v', 1000000),
                         true, now(), now(), 1, 1, repeat('j', 1000000) || n, now() FROM generate_series(1, 9) AS n""",
    "schedules": """SELECT repeat('j', 1000000) || n, repeat('d', 1000000), repeat('*', 1000000), repeat('z', 1000000),
                           0, NULL::interval, true, now(), true FROM generate_series(1, 9) AS n""",
    "schedule": """SELECT repeat('n', 1000000), repeat('d', 1000000), repeat('*', 1000000), repeat('z', 1000000), 0,
                          NULL::interval, true, now(), true""",
    "ticks": "SELECT repeat('j', 1000000) || n, now() FROM generate_series(1, 9) AS n",
    "holds": "SELECT repeat('j', 1000000) || n, now(), now() FROM generate_series(1, 9) AS n",
    "recent_jobs": """SELECT n::text, repeat('j', 1000000) || n, 'failed', now(), now(), now(), 1, 0,
                             repeat('w', 1000000) || n FROM generate_series(1, 9) AS n""",
    "concerned": "SELECT repeat('n', 1000000) || n, 1, now() FROM generate_series(1, 150) AS n",
    "at_active": "SELECT repeat('w', 1000000) || n FROM generate_series(1, 9) AS n",
    "new_runs": """SELECT n::text AS id, repeat('j', 1000000) || n AS job_type, 'failed' AS state, 0 AS retries,
                          now() AS due_at, now() AS started_at, now() AS finished_at FROM generate_series(1, 9) AS n""",
}


def test_there_is_an_attack_on_each_of_them() -> None:
    around = resources.files("jobqueue.engines").joinpath("bounded.sql").read_text()
    named = {line.removeprefix("-- name: ") for line in around.splitlines() if line.startswith("-- name: ")}

    assert named | {"new_runs"} == HUGE_ROWS.keys()


@pytest.mark.parametrize("query", HUGE_ROWS)
def test_a_text_of_a_megabyte_never_leaves_the_database(empty_database: str, query: str) -> None:
    longest = {**bounds.NAMES, **bounds.TEXTS}
    with psycopg.connect(empty_database) as conn:
        cursor = conn.execute(around(query), VALUES)
        columns = [column.name for column in cursor.description or ()]
        found = cursor.fetchall()

    assert found
    for row in found:
        for name, value in zip(columns, row, strict=True):
            if isinstance(value, str) and name != "job_id":
                assert len(value) <= longest[name] + 1, name
                assert len(value) == 1 or value in ("__other__", "pending", "failed") or "..." in value
    names = [
        row[0] for row in found if query in ("workers", "schedules", "ticks", "holds", "oldest_ready", "recent_jobs")
    ]
    assert len(names) == len(set(names))


def composed(text: str) -> sql.Composed:
    return sql.Composed([sql.SQL(text)])


def around(query: str) -> sql.Composed:
    huge = composed(HUGE_ROWS[query])
    match query:
        case "concerned":
            return bounded_control({"failed_concerned": huge})["failed_concerned"]
        case "at_active":
            return bounded_control({query: huge})[query]
        case "schedule":
            return bounded({"schedules": huge})["schedule"]
        case "new_runs":
            return of_finished(huge)["new_runs"]
        case _:
            return bounded({query: huge})[query]


def test_lists_are_cut_where_they_are_said_to_be(empty_database: str) -> None:
    with psycopg.connect(empty_database) as conn:
        concerned = conn.execute(around("concerned"), VALUES).fetchall()
        workers = HUGE_ROWS["workers"].replace("1, 9", "1, 1200").replace("1000000", "1")
        listed = conn.execute(bounded({"workers": composed(workers)})["workers"]).fetchall()

    assert len(concerned) == bounds.LISTS["concerned"] + 1
    assert concerned[-1] == (None, 50, concerned[0][2], 50)
    assert len(listed) == bounds.LISTS["workers"]
    assert listed[0][-1] == 1200


OWN_HUGE_ROWS = """
INSERT INTO system_status.admin_actions (source, action, actor, request_id, request, job_type)
SELECT 'main', repeat('a', 1000), repeat('a', 100000), repeat('r', 10000), '', repeat('j', 1000000);
INSERT INTO system_status.admin_action_steps (action_id, seq, step, note)
SELECT id, n, n || repeat('s', 1000000), NULL FROM system_status.admin_actions, generate_series(1, 200) AS n
UNION ALL SELECT id, 0, 'failed', repeat('n', 1000000) FROM system_status.admin_actions;
INSERT INTO system_status.api_tokens (name, hash, allow)
SELECT repeat('n', 100000), '', array_fill(repeat('a', 100000), array[100]);
INSERT INTO system_status.schedule_changes (source, job_type, cron, timezone, enabled, since)
SELECT 'main', repeat('j', 100000), repeat('c', 1000000), repeat('t', 1000000), true, now();
INSERT INTO system_status.run_minutes
SELECT 'main', now(), repeat('j', 10000) || n, 1, 0, 0, 0, 1, 1, 1, now(), now(), array_fill(0, array[3000])
  FROM generate_series(1, 9) AS n;
INSERT INTO system_status.run_ends SELECT 'main', now(), array_fill(0::bigint, array[500000])
"""
OWN = {
    ("control_api", "audit.sql"): ("entries",),
    ("control_api", "tokens.sql"): ("find", "all"),
    ("exporter", "schedule_changes.sql"): ("read",),
    ("exporter.counting", "queries.sql"): (
        "day_figures",
        "day_durations",
        "day_maxima",
        "last_runs",
        "minutes",
        "ends",
    ),
}
"""Every query over our own tables that answers with a text or a list."""
ASKED = {
    **VALUES,
    **dict.fromkeys(("ids", "action", "actor", "but", "before_id")),
    "source": "main",
    "limit": 50,
    "hash": b"",
    "since": "2000-01-01",
    "until": "9999-01-01",
}


@pytest.mark.parametrize(("place", "names"), OWN.items(), ids=lambda each: ".".join(each))
def test_what_stands_in_our_own_tables_is_cut_too(
    migrated: str, place: tuple[str, str], names: tuple[str, ...]
) -> None:
    queries = load(place[0], place[1], **bounds.literals())
    with psycopg.connect(migrated) as conn:
        conn.execute(UNCHECKED)
        conn.execute(OWN_HUGE_ROWS)
        for name in names:
            found = conn.execute(queries[name], ASKED).fetchall()
            assert found
            longest = 2 * bounds.LISTS["ends"] if name == "ends" else 2_048
            assert all(len(value) <= longest for row in found for value in row if isinstance(value, str | list)), name
            texts = [text for row in found for value in row if isinstance(value, list) for text in value]
            assert all(len(text) <= 500 for text in texts if isinstance(text, str)), name
