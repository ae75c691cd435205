"""Indexes of ours that an engine's newer version brings itself: each costs every write, and serves nobody."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from jobqueue.engine import Conn, Engine
from jobqueue.sql import load


@dataclass(frozen=True, slots=True)
class Superfluous:
    """An index of ours, and the one that serves its queries as well."""

    name: str
    table: str
    served_by: str
    remove: sql.Composed
    """``DROP INDEX CONCURRENTLY …``, for outside a transaction."""


async def superfluous_indexes(engine: Engine, conn: Conn) -> Sequence[Superfluous]:
    """Name the indexes of ours in the engine's schema that can be removed, by name.

    Asks the catalogues alone, within the caller's transaction; any role may. What another of ours serves isn't named.
    """
    query = load("jobqueue.engines", "superfluous.sql")["superfluous"]
    rows = await (await conn.execute(query, {"schema": engine.schema})).fetchall()
    return [
        Superfluous(
            name,
            table,
            served_by,
            sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(engine.schema, name)),
        )
        for name, table, served_by in rows
    ]
