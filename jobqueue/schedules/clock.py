"""How a time zone's wall clock runs: what it shows at an instant, and when it shows a time.

Where a clock is set back, it shows an hour twice: first with ``fold`` 0, then with ``fold`` 1, as Python calls it.
Where it is set forward, it leaves a gap. Everywhere else both folds are the same. Within either fold a later
wall time is never an earlier instant, when a time in the gap stands for the instant at which the gap ends.
"""

from datetime import UTC, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


class WallClock:
    """The clock on a wall in *zone*; it shows whole seconds."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def shown(self, moment: datetime) -> tuple[datetime, datetime]:
        """The newest wall time (naive) that each fold has reached at *moment*; the same twice but in an overlap."""
        local = moment.astimezone(self._zone)
        wall = local.replace(tzinfo=None, microsecond=0, fold=0)
        before, after = self._offsets(wall)
        if before == after:
            return wall, wall
        shift = self._shift(wall - before, wall - after)
        if local.fold:
            return shift + before - _SECOND, wall  # fold 0 has come to its end
        return wall, shift + after - _SECOND  # fold 1 is about to begin

    def instant(self, wall: datetime, fold: int) -> tuple[datetime, timedelta]:
        """When *wall* is shown (UTC), and zero; or the end of the gap that it lies in, and that gap's length."""
        before, after = self._offsets(wall)
        if before < after:
            return self._shift(wall - after, wall - before).replace(tzinfo=UTC), after - before
        return (wall - (after if fold else before)).replace(tzinfo=UTC), timedelta()

    def _offsets(self, wall: datetime) -> tuple[timedelta, timedelta]:
        """From UTC, before and after the shift that *wall* lies in; the same twice when there is none."""
        before = wall.replace(tzinfo=self._zone).utcoffset()
        after = wall.replace(tzinfo=self._zone, fold=1).utcoffset()
        return cast("timedelta", before), cast("timedelta", after)

    def _shift(self, low: datetime, high: datetime) -> datetime:
        """The instant (naive UTC) of the one shift after *low* and not after *high*."""
        offset = self._offset_at(low)
        while (seconds := (high - low) // _SECOND) > 1:
            middle = low + seconds // 2 * _SECOND
            if self._offset_at(middle) == offset:
                low = middle
            else:
                high = middle
        return high

    def _offset_at(self, instant: datetime) -> timedelta | None:
        return instant.replace(tzinfo=UTC).astimezone(self._zone).utcoffset()
