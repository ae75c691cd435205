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


def test_a_later_success_begins_the_ticks_anew() -> None:
    watch = SuccessWatch(parse("0 9 * * *", "UTC"))
    changed = SUCCESS - timedelta(days=30)
    first = SUCCESS.replace(minute=0) + timedelta(days=1)

    for day in range(3):
        success, now = SUCCESS + timedelta(days=day), SUCCESS + timedelta(days=day + 2)
        for _ in range(2):
            stand = watch.look(Ends(success, success, None), changed, now)
            assert (stand.ticks, stand.since) == (2, first + timedelta(days=day))


def test_a_run_that_ended_just_before_its_tick_was_that_ticks() -> None:
    """By a clock that is a little ahead."""
    watch = SuccessWatch(parse("0 9 * * *", "UTC"))
    early = SUCCESS.replace(minute=0) - timedelta(seconds=0.5)

    stand = watch.look(Ends(early, early, None), SUCCESS - timedelta(days=30), SUCCESS + timedelta(days=1))

    assert (stand.ticks, stand.since) == (1, SUCCESS.replace(minute=0) + timedelta(days=1))


def test_a_failure_at_the_moment_of_the_change_counts_and_one_before_it_does_not() -> None:
    for before, failed in ((timedelta(), 1), (timedelta(seconds=1), 0)):
        watch = SuccessWatch(parse("0 9 * * *", "UTC"))
        assert (
            watch.look(Ends(SUCCESS - before, None, SUCCESS - before), SUCCESS, SUCCESS + TOOK).failed_ticks == failed
        )
