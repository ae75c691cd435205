"""Finds the queues in a database: an engine's own tables, with the columns that we read, tell it from all others."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jobqueue import sql
from jobqueue.engines import ENGINES, open_engine

TABLES = sql.load("jobqueue", "detect.sql")["tables"]
"""Query: schema, table and columns of tables with the name of a queue's table."""
VALUES: Mapping[str, list[str]] = {
    "tables": sorted({table for name in ENGINES for table in open_engine(name, None).tables})
}
"""What it takes."""
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Found:
    """One queue in a database."""

    engine: str
    schema: str

    def __str__(self) -> str:
        return f"{self.engine} in schema {self.schema}"


def queues(rows: Iterable[tuple[str, str, list[str]]]) -> list[Found]:
    """The queues that the rows of ``TABLES`` make, by schema."""
    schemas: defaultdict[str, dict[str, set[str]]] = defaultdict(dict)
    for schema, table, columns in rows:
        schemas[schema][table] = set(columns)
    return [
        Found(name, schema)
        for schema, tables in schemas.items()
        for name in ENGINES
        if _has(tables, open_engine(name, schema).tables)
    ]


def no_queue(engine: str, schema: str, database: str, found: Iterable[Found]) -> str:
    """Say that a queue isn't where it was looked for, and which are."""
    others = list(found)
    capitals = [other.schema for other in others if other.engine == engine and other.schema.lower() == schema.lower()]
    listed = ", ".join(map(str, others[:_SHOWN])) or "none that System Status knows"
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    hint = "; capitals count, and an engine that writes a name without double quotes, as pg-boss does, makes them small"
    return (
        f"no {engine} queue in schema {schema} of database {database}: is the database right, and QUEUE_ENGINE, "
        f"QUEUE_SCHEMA (engine, schema in the file)? Found here: {listed}{more}{hint if capitals else ''}"
    )


def _has(tables: Mapping[str, set[str]], wanted: Mapping[str, Iterable[str]]) -> bool:
    return all(table in tables and tables[table].issuperset(columns) for table, columns in wanted.items())
