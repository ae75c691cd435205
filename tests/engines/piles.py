"""What a batch of a clean-up touches and reads where rows have piled up since the planner last looked."""

from dataclasses import dataclass

from psycopg import AsyncConnection

from jobqueue.engine import Cleanup, QueueControl


@dataclass(frozen=True, slots=True)
class Pile:
    """Rows that a clean-up concerns, and others that are there before them; ``{rows}`` is how many."""

    cleanup: Cleanup
    table: str
    """With its schema."""
    before: str
    """SQL that makes rows which are none of the clean-up's: the planner knows of them alone."""
    rows: str
    """SQL that makes rows for the clean-up."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch did."""

    changed: int
    read: int
    """Rows of the table that were read, of some more than once."""


async def batch_of(conn: AsyncConnection, control: QueueControl, pile: Pile, *, rows: int, batch: int) -> Batch:
    """Pile up *rows* rows behind the planner's back, and clean up one batch of them."""
    await conn.execute(f"ALTER TABLE {pile.table} SET (autovacuum_enabled = off)".encode())
    await conn.execute(pile.before.format(rows=rows).encode())
    await conn.execute(f"ANALYZE {pile.table}".encode())
    await conn.execute(pile.rows.format(rows=rows).encode())
    async with conn.transaction():
        [moment] = await (await conn.execute("SELECT now()")).fetchone() or (None,)
        assert moment
        before = await rows_read(conn, pile.table)
        changed = await control.clean(conn, pile.cleanup, moment, batch, "r")
        return Batch(changed, await rows_read(conn, pile.table) - before)


async def rows_read(conn: AsyncConnection, table: str) -> int:
    """Count the rows that the connection has read of a table; only a difference within a transaction means anything."""
    cursor = await conn.execute(
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relid = %s::regclass",
        [table],
    )
    [read] = await cursor.fetchone() or (0,)
    return int(read)
