"""What the monkey does to rows: retries, cleaning, late commits, stamps of a clock that is wrong."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

from psycopg import AsyncConnection

from demo.engines.diary import note
from soak.acts import QUEUES
from soak.servers import FLOOD, Place, ask
from soak.stage import ROWS, NotNowError, Stage

_OBAN_PRUNES_AFTER = 60.0
"""Its pruner's own default."""
_BY_OWN_CLOCK = ("river", "oban")
"""Engines whose workers stamp ends by the clock of their machine."""
_FLOOD = 0.3
"""The part of cleanings that is the flood's, whose table grows fastest."""
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def retry(stage: Stage, dice: Random) -> None:
    """Retry failed jobs that the figures have, by hand."""
    place, jobs = _place(stage, dice, "retry"), dice.randint(1, 4)
    until = await stage.counted_until(place)
    await _retry(place, jobs, _LONG_AGO, until)


async def retry_at_once(stage: Stage, dice: Random) -> None:
    """Retry jobs that failed just now, whether anybody has seen that or not."""
    place, jobs = _place(stage, dice, "retry"), dice.randint(1, 4)
    now = datetime.now(UTC)
    await _retry(place, jobs, now - timedelta(seconds=10), now)


async def prune(stage: Stage, dice: Random) -> None:
    """Clean up as the engine does, when it does."""
    place = stage.servers.places[FLOOD] if dice.random() < _FLOOD else _place(stage, dice, "prune")
    kept = _OBAN_PRUNES_AFTER if place.kind.engine == "oban" else stage.plan.retention
    before = datetime.now(UTC) - timedelta(seconds=kept)
    await place.ask(ROWS[f"prune_{place.kind.engine}"], {"before": before})


async def commit_late(stage: Stage, dice: Random) -> None:
    """Let a job end in a transaction that is committed later, as late as may be."""
    await _late(_place(stage, dice, "late"), dice.uniform(1, stage.plan.latest))


async def commit_too_late(stage: Stage, dice: Random) -> None:
    """The same, later than that."""
    await _late(_place(stage, dice, "late"), stage.plan.settle + 60 + dice.uniform(5, 30))


async def wrong_clock(stage: Stage, dice: Random) -> None:
    """Let a worker's clock be wrong for a while, as wrong as may be."""
    latest = stage.plan.latest
    await _clock(stage, dice, dice.uniform(-latest, latest))


async def far_clock(stage: Stage, dice: Random) -> None:
    """Let a worker's clock be further behind."""
    await _clock(stage, dice, -(stage.plan.settle + 60 + dice.uniform(5, 60)))


def _place(stage: Stage, dice: Random, what: str) -> Place:
    able = [place for name, place in sorted(stage.servers.places.items()) if f"{what}_{place.kind.engine}" in ROWS]
    # Nobody works on a job of the flood that is retried.
    return dice.choice([place for place in able if what != "retry" or place.name != FLOOD])


async def _retry(place: Place, jobs: int, since: datetime, until: datetime) -> None:
    await place.ask(ROWS[f"retry_{place.kind.engine}"], {"jobs": jobs, "since": since, "until": until})


async def _late(place: Place, seconds: float) -> None:
    async with await AsyncConnection.connect(place.address, connect_timeout=5, application_name="soak") as conn:
        row = await (await conn.execute(ROWS[f"late_{place.kind.engine}"])).fetchone()
        note(place.database, row and row[0], failed=False)  # who finishes a job is a worker
        await asyncio.sleep(seconds)
        await conn.commit()


async def _clock(stage: Stage, dice: Random, ahead: float) -> None:
    able = [place for _, place in sorted(stage.servers.places.items()) if place.kind.engine in _BY_OWN_CLOCK]
    place, seconds = dice.choice(able), dice.uniform(3, 15)
    with stage.alone_with(f"clock of {place.name}"):
        try:
            await ask(place.address, ROWS["set_clock"], {"seconds": ahead})
            await asyncio.sleep(seconds)
        finally:
            await _set_right(stage, place)


async def _set_right(stage: Stage, place: Place) -> None:
    """Try until the server is there: it may be failing over."""
    for _ in range(60):
        try:
            with stage.alone_with(QUEUES):
                await ask(place.address, ROWS["set_clock"], {"seconds": 0})
                return
        except NotNowError:
            await asyncio.sleep(1)
