"""What Oban's own class makes of expressions: input and output as those of pgboss.mjs; runs with Oban's Python."""

import json
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from oban._scheduler import Expression

FIRST, DAYS = datetime(2027, 2, 25, tzinfo=UTC), 400


def read(asked: tuple[str, str | None, tuple[int, int]]) -> dict[str, list[int]] | None:
    """See the module."""
    expression, zone, (since, until) = asked
    try:
        cron = Expression.parse(expression)
    except ValueError:
        return None
    at = FIRST.replace(hour=min(cron.hours), minute=min(cron.minutes))
    days = [day for day in range(DAYS) if cron.is_now(at + timedelta(days=day))]
    shown = []
    if zone:
        clock = ZoneInfo(zone)
        shown = [n for n in range(since, until) if cron.is_now(datetime.fromtimestamp(60 * n, UTC).astimezone(clock))]
    return {"minutes": sorted(cron.minutes), "hours": sorted(cron.hours), "days": days, "shown": shown}


json.dump([read(asked) for asked in json.load(sys.stdin)], sys.stdout)
