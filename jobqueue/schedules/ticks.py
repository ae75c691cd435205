"""How many ticks didn't get their job."""

from datetime import datetime, timedelta
from typing import Final

from jobqueue.schedules.cron import Cron

MISSED_TICKS_LIMIT: Final = 1000
"""Beyond it nobody asks how many; counting on would only cost time."""

CLOCK_SLACK: Final = timedelta(seconds=1)
"""A scheduler whose clock is a little ahead enqueues just before the tick, and that tick has got its job."""


class MissedTicks:
    """Counts the missed ticks of one schedule, poll after poll, and each tick once."""

    def __init__(self, cron: Cron) -> None:
        self._cron = cron
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._ticks = 0

    def count(self, since: datetime, now: datetime, grace: timedelta) -> int:
        """The ticks after *since* (when the newest job was enqueued) and no younger than *grace*, up to the limit.

        Where the clock has jumped back behind *since*, nothing is missed yet.
        """
        until = now - grace
        if until <= since:
            return 0
        if self._since != since or self._until is None or until < self._until:
            self._since, self._until, self._ticks = since, since + CLOCK_SLACK, 0
        if until > self._until:
            left = MISSED_TICKS_LIMIT - self._ticks
            self._ticks += len(self._cron.ticks_between(self._until, until, left))
            self._until = until
        return self._ticks


def missed_ticks(cron: Cron, since: datetime, now: datetime, grace: timedelta) -> int:
    """What ``MissedTicks`` counts, for a single look."""
    return MissedTicks(cron).count(since, now, grace)
