from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobqueue.schedules import MISSED_TICKS_LIMIT, Cron, missed_ticks, parse
from jobqueue.schedules.ticks import MissedTicks

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
GRACE = timedelta(seconds=75)
CRONS = ["* * * * *", "*/5 * * * *", "0 6 * * *", "* * * * * */10", "0 0 31 2 *"]

spans = st.integers(0, 100_000).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("expression", "since", "now", "missed"),
    [
        ("0 * * * *", "11:00:00", "12:30:00", 1),
        ("0 * * * *", "11:00:00", "12:01:14", 0),  # within the grace
        ("0 * * * *", "11:00:00", "12:01:15", 1),
        ("0 * * * *", "12:00:00", "12:30:00", 0),
        ("0 * * * *", "11:59:59", "12:30:00", 0),  # a scheduler that was a second early
        ("0 * * * *", "11:59:58", "12:30:00", 1),
        ("0 * * * *", "12:00:05", "12:30:00", 0),  # and one that was late
        ("*/10 * * * *", "11:00:00", "12:00:00", 5),
        ("0 0 31 2 *", "11:00:00", "12:00:00", 0),
        ("* * * * *", "12:00:00", "11:00:00", 0),  # the clock jumped back
    ],
)
def test_ticks_without_a_job_are_counted(expression: str, since: str, now: str, missed: int) -> None:
    day = "2027-01-01T{}+00:00"

    counted = missed_ticks(
        parse(expression, "UTC"),
        datetime.fromisoformat(day.format(since)),
        datetime.fromisoformat(day.format(now)),
        GRACE,
    )

    assert counted == missed


def test_a_count_ends_at_its_limit() -> None:
    cron = parse("* * * * * *", "UTC")

    counted = missed_ticks(cron, NOON - timedelta(days=3650), NOON, GRACE)

    assert counted == MISSED_TICKS_LIMIT == 1000


def test_the_hour_shown_twice_holds_one_tick() -> None:
    cron = parse("30 2 * * *", "Europe/Berlin")
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)

    counted = missed_ticks(cron, before, before + timedelta(days=1), GRACE)

    assert counted == 1


@settings(deadline=None)
@given(st.sampled_from(CRONS), spans, spans)
def test_nothing_is_missed_before_the_next_tick_is_due(expression: str, after: timedelta, grace: timedelta) -> None:
    cron = parse(expression, "UTC")
    since = NOON + after
    due = cron.next_after(since) or since + timedelta(days=3650)

    assert missed_ticks(cron, since, due + grace - timedelta(microseconds=1), grace) == 0


@settings(deadline=None)
@given(st.sampled_from(CRONS), spans, spans, spans)
def test_each_missed_tick_is_older_than_the_grace_and_younger_than_the_newest_job(
    expression: str, ago: timedelta, later: timedelta, grace: timedelta
) -> None:
    cron = parse(expression, "UTC")
    since, now = NOON, NOON - ago + later

    counted = missed_ticks(cron, since, now, grace)

    within = [tick for tick in _ticks(cron, NOON) if since + timedelta(seconds=1) < tick <= now - grace]
    assert counted == min(len(within), MISSED_TICKS_LIMIT)


polls = st.tuples(st.integers(-300, 3000), st.booleans())


@settings(deadline=None)
@given(st.sampled_from(CRONS), st.lists(polls, max_size=30))
def test_counting_on_from_poll_to_poll_is_counting_anew(expression: str, rhythm: list[tuple[int, bool]]) -> None:
    cron = parse(expression, "UTC")
    missed, since, now = MissedTicks(cron), NOON, NOON

    for seconds, enqueued in rhythm:
        now += timedelta(seconds=seconds)
        since = now if enqueued else since

        assert missed.count(since, now, GRACE) == missed_ticks(cron, since, now, GRACE)


def _ticks(cron: Cron, moment: datetime) -> list[datetime]:
    return cron.ticks_between(moment, moment + timedelta(days=2), 2 * MISSED_TICKS_LIMIT)


def test_a_later_poll_searches_what_is_new_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []
    ticks_between = Cron.ticks_between

    def noted(cron: Cron, after: datetime, until: datetime, limit: int) -> list[datetime]:
        searched.append((after, until))
        return ticks_between(cron, after, until, limit)

    monkeypatch.setattr(Cron, "ticks_between", noted)
    since = datetime(2027, 1, 1, 12, tzinfo=UTC)
    times = [since + timedelta(minutes=minutes) for minutes in (10, 10, 20, 30)]
    missed = MissedTicks(parse("* * * * *", "UTC"))

    assert [missed.count(since, now, timedelta()) for now in times] == [10, 10, 20, 30]
    assert [after for after, until in searched if after < until] == [since + timedelta(seconds=1), times[0], times[2]]
