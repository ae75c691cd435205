"""Sessions that the server ends while their client is idle, as ``idle_session_timeout`` and an administrator do."""

from psycopg import AsyncConnection

_IDLE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'
"""


async def cut(conn: AsyncConnection) -> int:
    """End every other idle session of the database, and wait until it is gone; answers how many there were."""
    return len(await (await conn.execute(_IDLE)).fetchall())
