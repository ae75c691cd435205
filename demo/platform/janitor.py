"""The queue janitor: what keeps the tables small, and what makes the queue forget."""

from collections.abc import Mapping

import structlog

from demo.platform.connection import Conn
from jobqueue.sql import load

log = structlog.get_logger()

_STEPS = load("demo.platform", "janitor.sql")


async def run(conn: Conn) -> Mapping[str, int]:
    """Clean the queue up, each step in a transaction of its own; answers with the rows that each changed."""
    changed = {name: (await conn.execute(step)).rowcount for name, step in _STEPS.items()}
    log.info("janitor.done", **changed)
    return changed
