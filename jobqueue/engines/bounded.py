"""Bounds an engine's queries: see ``bounded.sql``."""

from collections.abc import Mapping

from psycopg import sql

from jobqueue import bounds
from jobqueue.sql import load

_QUERY = sql.Placeholder("query")
_AROUND = load("jobqueue.engines", "bounded.sql", query=_QUERY, **bounds.literals())

NUMBERS = frozenset({"parts", "unreadable", "is_there", "knows_ends", "first_completed", "slot_counts", "new_runs"})
"""What needs nothing around it: numbers, times, flags and a name, as many as slots; ``new_runs`` is bounded within."""


def bounded(queries: Mapping[str, sql.Composed]) -> dict[str, sql.Composed]:
    """Put around each query what bounds its answer; pieces and definitions of indexes stay as they are."""
    around = {name: _around(name, query) for name, query in queries.items() if name in _AROUND}
    if "schedules" in queries:
        around["schedule"] = _around("schedule", queries["schedules"])
    return {name: _written(query) for name, query in {**queries, **around}.items()}


def bounded_control(queries: Mapping[str, sql.Composed]) -> dict[str, sql.Composed]:
    """Put around each ``…_concerned``, and around ``at_active``, what bounds its answer."""
    around = {name: "concerned" for name in queries if name.endswith("_concerned")}
    around |= {"at_active": "at_active"} if "at_active" in queries else {}
    return {**queries, **{name: _written(_around(bounds, queries[name])) for name, bounds in around.items()}}


def _written(query: sql.Composed) -> sql.Composed:
    """The same in one piece: to put a hundred pieces together again at each poll takes longer than a small read."""
    return sql.Composed([sql.SQL(query.as_string())])


def _around(name: str, query: sql.Composed) -> sql.Composed:
    return sql.Composed([query if part == _QUERY else part for part in _AROUND[name]])
