"""What holds for every expression, and for every moment near a shift of the clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from croniter import CroniterBadDateError, croniter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobqueue.schedules import Cron, parse

# Instants at which a clock was set; moments are drawn close to them.
SHIFTS = [
    ("UTC", datetime(2026, 1, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
]


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> str:
    value = st.integers(low, high)
    match draw(st.sampled_from(["any", "any", "one", "list", "range", "step", "stepped range"])):
        case "any":
            return "*"
        case "one":
            return str(draw(value))
        case "list":
            return ",".join(map(str, draw(st.lists(value, min_size=2, max_size=4))))
        case "step":
            return f"*/{draw(st.integers(1, high))}"
        case kind:
            first, last = sorted(draw(st.lists(value, min_size=2, max_size=2, unique=True)))
            return f"{first}-{last}" + (f"/{draw(st.integers(1, 9))}" if kind == "stepped range" else "")


expressions = st.one_of(
    st.tuples(fields(0, 59), fields(0, 23), fields(1, 31) | st.just("L"), fields(1, 12), fields(0, 6)),
    st.tuples(fields(0, 59), fields(0, 23), st.just("*"), st.just("*"), st.just("*")),
    st.tuples(fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12), fields(0, 6), fields(0, 59)),
).map(" ".join)

moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

near_shifts = st.builds(
    lambda shift, offset: (shift[0], shift[1] + timedelta(seconds=offset)),
    st.sampled_from(SHIFTS),
    st.integers(-4 * 3600, 4 * 3600) | st.floats(-100_000, 100_000),
)


@settings(deadline=None, max_examples=150)
@given(expressions, moments)
@example("0 0 31 2 *", datetime(2026, 1, 1, tzinfo=UTC))
@example("0 0 29 2 *", datetime(2026, 1, 1, tzinfo=UTC))
def test_without_shifts_the_ticks_are_those_of_croniter(expression: str, moment: datetime) -> None:
    try:
        expected = croniter(expression, moment).get_next(datetime)
    except CroniterBadDateError:
        expected = None

    assert parse(expression, "UTC").next_after(moment) == expected


@settings(deadline=None, max_examples=150)
@given(expressions, near_shifts)
def test_the_next_tick_is_later_and_the_newest_is_not(expression: str, near: tuple[str, datetime]) -> None:
    timezone, moment = near
    cron = parse(expression, timezone)

    following, newest = cron.next_after(moment), cron.last_at_or_before(moment)

    assert (following is None) == (newest is None)
    assert following is None or following > moment
    assert newest is None or newest <= moment


@settings(deadline=None, max_examples=150)
@given(expressions, near_shifts)
def test_there_and_back_again(expression: str, near: tuple[str, datetime]) -> None:
    timezone, moment = near
    following, newest = _fresh(expression, timezone, moment)
    if following is None or newest is None:
        return

    assert _fresh(expression, timezone, newest) == (following, newest)
    assert _fresh(expression, timezone, following - timedelta(microseconds=1)) == (following, newest)
    assert _fresh(expression, timezone, following)[1] == following


@settings(deadline=None, max_examples=150)
@given(expressions, near_shifts, st.integers(0, 30 * 3600))
def test_a_later_moment_has_no_earlier_next_tick(expression: str, near: tuple[str, datetime], seconds: int) -> None:
    timezone, moment = near

    following, newest = _fresh(expression, timezone, moment)
    later_following, later_newest = _fresh(expression, timezone, moment + timedelta(seconds=seconds))

    if following and later_following and newest and later_newest:
        assert following <= later_following
        assert newest <= later_newest


@settings(deadline=None, max_examples=100)
@given(expressions, near_shifts, st.integers(0, 40), st.integers(0, 40))
def test_ticks_between_are_the_next_ones_one_by_one(
    expression: str, near: tuple[str, datetime], hours: int, limit: int
) -> None:
    timezone, after = near
    until = after + timedelta(hours=hours)

    ticks = parse(expression, timezone).ticks_between(after, until, limit)

    one_by_one = takewhile(lambda tick: tick <= until, _ticks_after(parse(expression, timezone), after))
    assert ticks == list(islice(one_by_one, limit))


@settings(deadline=None, max_examples=100)
@given(expressions, near_shifts, st.lists(st.integers(-90_000, 90_000), max_size=8))
def test_what_is_remembered_is_what_a_search_would_find(
    expression: str, near: tuple[str, datetime], jumps: list[int]
) -> None:
    timezone, moment = near
    cron = parse(expression, timezone)

    for jump in jumps:
        asked = moment + timedelta(seconds=jump)

        assert (cron.next_after(asked), cron.last_at_or_before(asked)) == _fresh(expression, timezone, asked)


def _fresh(expression: str, timezone: str, moment: datetime) -> tuple[datetime | None, datetime | None]:
    return parse(expression, timezone).next_after(moment), parse(expression, timezone).last_at_or_before(moment)


def _ticks_after(cron: Cron, moment: datetime) -> Iterator[datetime]:
    tick = cron.next_after(moment)
    while tick is not None:
        yield tick
        tick = cron.next_after(tick)
