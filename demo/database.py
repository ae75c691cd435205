"""The demo's database: the queue in it is made when it isn't there, and refused when it is somebody else's."""

from importlib import resources

from demo import history
from demo.platform.connection import Conn, connect
from demo.platform.scheduler import register
from jobqueue.sql import load

_QUERIES = load("demo", "database.sql")
_SCHEMA = resources.files("jobqueue.engines.ascent").joinpath("schema.sql")


class SomebodyElsesQueue(Exception):  # noqa: N818 -- it says whose it is
    """There are jobs in the schema ``ascent`` that the demo didn't make."""


async def prepare(address: str, *, past: bool) -> int:
    """Make the queue in the database at *address*, with its schedules, and if *past* with a day of history.

    Answers with the number of jobs in it. Raises ``SomebodyElsesQueue``.
    """
    async with await connect(address) as conn:
        await _make_queue(conn)
        await register(conn)
        jobs = await _count(conn)
        return jobs or (await history.write(conn) if past else 0)


async def _make_queue(conn: Conn) -> None:
    [schema] = await (await conn.execute(_QUERIES["schema"])).fetchall()
    if not schema["exists"]:
        await conn.execute(_SCHEMA.read_bytes())
    elif not schema["ours"] and await _count(conn):
        raise SomebodyElsesQueue(
            "the database has a queue in its schema ascent that the demo didn't make: give it an empty database"
        )
    await conn.execute(_QUERIES["mark"])


async def _count(conn: Conn) -> int:
    [row] = await (await conn.execute(_QUERIES["count"])).fetchall()
    return int(row["jobs"])
