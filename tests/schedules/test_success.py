"""Ticks without a success only become more until a run succeeds, whatever the gaps between them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from jobqueue.schedules import MISSED_TICKS_LIMIT, Ends, parse
from jobqueue.schedules.success import SuccessWatch

SUCCESS = datetime(2026, 3, 23, 9, 1, tzinfo=UTC)
"""A Monday; the job fails at every tick that follows."""
TOOK = timedelta(minutes=1)


@pytest.mark.parametrize(
    "cron", ["*/15 * * * *", "0 */3 * * *", "0 9 * * *", "0 9 * * 1-5", "0 9-17 * * 1-5", "0 9 * * 1", "0 9 1-7 * 1"]
)
def test_counts_never_fall_before_a_success(cron: str) -> None:
    parsed = parse(cron, "Europe/Berlin")
    watch = SuccessWatch(parsed)
    counts = []
    for hours in range(2, 14 * 24, 2):
        now = SUCCESS + timedelta(hours=hours)
        ended = [tick + TOOK for tick in parsed.ticks_between(SUCCESS, now - TOOK, limit=10_000)]
        ends = Ends(max(ended, default=SUCCESS), SUCCESS, min(ended, default=None))
        stand = watch.look(ends, SUCCESS - timedelta(days=30), now)
        counts.append((stand.ticks or 0, stand.failed_ticks))
        assert stand.failed_ticks == min(len(ended), 1 + MISSED_TICKS_LIMIT)

    assert all(before[0] <= after[0] and before[1] <= after[1] for before, after in pairwise(counts))


def test_a_success_ends_both() -> None:
    watch = SuccessWatch(parse("0 9 * * *", "UTC"))
    later = SUCCESS + timedelta(days=3)

    stand = watch.look(Ends(later, later, None), SUCCESS, later + TOOK)

    assert (stand.ticks, stand.since, stand.failed_ticks) == (0, None, 0)
