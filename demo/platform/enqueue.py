"""How work on demand comes into the queue."""

from collections.abc import Collection

from demo.platform.catalogue import OnDemand
from demo.platform.connection import QUERIES, Conn


async def enqueue(conn: Conn, job_type: OnDemand, organizations: Collection[int]) -> None:
    """Queue one job of *job_type* for each of *organizations*."""
    job = {
        "job_type": job_type.name,
        "priority": job_type.priority,
        "max_retries": job_type.max_retries,
        "delay": job_type.delay,
        "organizations": list(organizations),
    }
    await conn.execute(QUERIES["enqueue"], job)
