"""Our tables as they are on a primary that becomes a standby for a while: every write to them is refused with 25006."""

from psycopg import AsyncConnection

_TABLES = ("sources", "run_minutes", "run_ends", "schedule_changes")


async def forbid_writing(conn: AsyncConnection) -> None:
    """From now on."""
    await conn.execute(
        "CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE 'cannot execute % in a read-only transaction', TG_OP USING ERRCODE = '25006'; END$$"
    )
    for table in _TABLES:
        await conn.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON system_status.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION public.refuse()".encode()
        )


async def allow_writing(conn: AsyncConnection) -> None:
    """Again."""
    for table in _TABLES:
        await conn.execute(f"DROP TRIGGER refuse ON system_status.{table}".encode())
