"""Who breaks things at random, by a seed: the same seed draws the same acts in the same order."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from time import monotonic

import structlog
from psycopg import Error, OperationalError

from soak import acts, hands
from soak.acts import Act
from soak.stage import NotNowError, Stage

log = structlog.get_logger()

ACTS: Mapping[str, tuple[int, Act]] = {
    "restart": (3, acts.restart),
    "kill": (3, acts.kill),
    "pause": (3, acts.pause),
    "cut": (3, acts.cut),
    "failover-queues": (1, acts.fail_over_queues),
    "failover-store": (1, acts.fail_over_store),
    "disk": (2, acts.fill_disk),
    "retry": (8, hands.retry),
    "prune": (8, hands.prune),
    "late": (5, hands.commit_late),
    "clock": (3, hands.wrong_clock),
    "retry-at-once": (5, hands.retry_at_once),
    "too-late": (3, hands.commit_too_late),
    "far-clock": (2, hands.far_clock),
}
"""By name; the number says how often, beside the others."""


class Monkey:
    """Acts until its time is over; then what it began comes to its end."""

    def __init__(self, stage: Stage) -> None:
        self.done: Counter[str] = Counter()
        self.prevented: Counter[str] = Counter()
        self._stage = stage

    async def play(self, seconds: float, say: Callable[[str], None] = lambda line: None) -> None:
        """Do one thing after the other; they may overlap."""
        plan, end, number = self._stage.plan, monotonic() + seconds, 0
        weights = [ACTS[kind][0] for kind in plan.kinds]
        try:
            async with asyncio.TaskGroup() as playing:
                while True:
                    dice = Random(f"{plan.seed}:{number}")
                    number += 1
                    await asyncio.sleep(dice.uniform(plan.least_pause, plan.most_pause))
                    if monotonic() > end:
                        break
                    [kind] = dice.choices(plan.kinds, weights)
                    playing.create_task(self._act(kind, dice))
        finally:
            await acts.heal(self._stage)

    async def _act(self, kind: str, dice: Random) -> None:
        try:
            await ACTS[kind][1](self._stage, dice)
        except (NotNowError, OperationalError) as hindrance:
            self.prevented[kind] += 1
            log.info("monkey.prevented", act=kind, by=str(hindrance) or type(hindrance).__name__)
        except Error as error:
            raise RuntimeError(f"the monkey can't {kind}: {error}") from error
        else:
            self.done[kind] += 1
            log.info("monkey.done", act=kind)
