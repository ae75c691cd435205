"""Rows of ``jobs`` for the tests: put in, looked at."""

from typing import Any

from psycopg.rows import DictRow

from demo.platform.connection import Conn
from demo.platform.presence import Identity, Presence
from demo.platform.worker import Worker


async def add(conn: Conn, job_type: str = "email.send_due", **columns: str) -> int:
    """A job; the values of *columns* are SQL, such as ``now() - interval '1 hour'``."""
    names = ", ".join(["job_type", *columns])
    values = ", ".join([f"'{job_type}'", *columns.values()])
    return int(await scalar(conn, f"INSERT INTO ascent.jobs ({names}) VALUES ({values}) RETURNING id"))


async def job(conn: Conn, number: int) -> DictRow:
    [row] = await rows(conn, f"SELECT *, now() AS now FROM ascent.jobs WHERE id = {number}")
    return row


async def rows(conn: Conn, query: str) -> list[DictRow]:
    return await (await conn.execute(query.encode())).fetchall()


async def scalar(conn: Conn, query: str) -> Any:
    [row] = await rows(conn, query)
    [value] = row.values()
    return value


def a_worker(name: str = "worker-1", speed: float = 1000) -> Worker:
    return Worker(Presence(Identity(name, f"{name}.ascent.internal", "worker", "4.12.0")), speed)
