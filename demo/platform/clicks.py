"""The users: what they do in the platform's web pages queues jobs on demand."""

import asyncio
import secrets
from datetime import UTC, datetime

from demo.platform.catalogue import CLICKED, ORGANIZATIONS, OnDemand
from demo.platform.chance import DICE, busyness
from demo.platform.connection import QUERIES, Conn
from demo.platform.enqueue import enqueue


async def keep_clicking(conn: Conn, speed: float) -> None:
    """Queue a job whenever a user clicks, for ever; the moments are random, their mean is the catalogue's."""
    per_hour = [job_type.clicks_per_hour for job_type in CLICKED]
    while True:
        rate = sum(per_hour) * busyness(datetime.now(UTC)) * speed / 3600
        await asyncio.sleep(DICE.expovariate(rate))
        [job_type] = DICE.choices(CLICKED, per_hour)
        await click(conn, job_type, secrets.token_hex(8))


async def click(conn: Conn, job_type: OnDemand, token: str) -> bool:
    """Queue one job for one organization, once for each *token*; False when it was there already."""
    async with conn.transaction():
        new = (await conn.execute(QUERIES["remember_request"], {"token": token})).rowcount == 1
        if new:
            await enqueue(conn, job_type, [DICE.choice(ORGANIZATIONS)])
    return new
