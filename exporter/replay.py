"""How far behind its primary a source is that is read from a standby."""

from datetime import datetime, timedelta
from typing import cast

from exporter.trouble import ExplainedError
from jobqueue import sql
from jobqueue.engine import Conn
from jobqueue.reasons import Reason

BOUND = timedelta(seconds=60)
"""Up to here a lag is of the size of a poll, a scrape and the grace of a missed tick, and alerts bridge it. Beyond it
figures of the present would be those of another time, and an age would grow by the lag."""
_NONE = timedelta()


class LaggingError(ExplainedError):
    """What a standby knows of the present is too old to be shown."""

    def __init__(self, lag: timedelta) -> None:
        super().__init__(f"the standby is {lag.total_seconds():.0f} s behind its primary", Reason.LAGGING)


class Replay:
    """Shared by the collectors of one source: the one that reads the versions looks, the others ask on a standby only.

    A lag is counted from the newest moment at which the standby is known to have had everything: that of the last
    replayed transaction, or of a look that found nothing left to replay. So neither an idle primary nor a transaction
    that is just being replayed looks like a lag, and a receiver that is cut does, from the cut on.
    """

    def __init__(self) -> None:
        self._query = sql.load("jobqueue", "replay.sql")["lag"]
        self._is_standby = False
        self._had_everything_at: datetime | None = None

    async def look(self, conn: Conn) -> timedelta | None:
        """Ask how far behind the database is; None on a primary."""
        row = await (await conn.execute(self._query)).fetchone()
        if row is None or not row[0]:
            self._is_standby, self._had_everything_at = False, None
            return None
        self._is_standby = True
        _, has_everything, replayed_until, now = cast("tuple[bool, bool, datetime | None, datetime]", row)
        if has_everything:
            self._had_everything_at = now
            return _NONE
        known = [moment for moment in (replayed_until, self._had_everything_at) if moment is not None]
        return max(now - max(known, default=now), _NONE)

    async def lag(self, conn: Conn) -> timedelta:
        """Say how old the present of the database is. Raises ``LaggingError`` where that is beyond ``BOUND``."""
        lag = await self.look(conn) if self._is_standby else None
        if lag is not None and lag > BOUND:
            raise LaggingError(lag)
        return lag or _NONE
