"""The rule people know from Vixie cron: a time of day runs once, a rhythm follows the time that passes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter

from jobqueue.schedules import parse

BERLIN_SPRING = ("Europe/Berlin", "2026-03-29")  # 02:00 -> 03:00
BERLIN_AUTUMN = ("Europe/Berlin", "2026-10-25")  # 03:00 -> 02:00
NEW_YORK_SPRING = ("America/New_York", "2026-03-08")  # 02:00 -> 03:00
NEW_YORK_AUTUMN = ("America/New_York", "2026-11-01")  # 02:00 -> 01:00
LORD_HOWE_SPRING = ("Australia/Lord_Howe", "2026-10-04")  # 02:00 -> 02:30
LORD_HOWE_AUTUMN = ("Australia/Lord_Howe", "2026-04-05")  # 02:00 -> 01:30
HAVANA_SPRING = ("America/Havana", "2026-03-08")  # 00:00 -> 01:00
HAVANA_AUTUMN = ("America/Havana", "2026-11-01")  # 01:00 -> 00:00
DUBLIN_AUTUMN = ("Europe/Dublin", "2026-10-25")  # 02:00 -> 01:00, "negative" daylight saving
CHATHAM_SPRING = ("Pacific/Chatham", "2026-09-27")  # 02:45 -> 03:45
APIA_WITHOUT_A_DAY = ("Pacific/Apia", "2011-12-30")  # 30 December doesn't exist

Day = tuple[str, str]


def times_of(expression: str, day: Day, *, hours: int = 5) -> list[str]:
    """The wall-clock times of the ticks in the first *hours* of *day*, with their offsets."""
    zone = ZoneInfo(day[0])
    midnight = datetime.fromisoformat(day[1]).replace(tzinfo=zone).astimezone(UTC)
    second = timedelta(seconds=1)
    ticks = parse(expression, day[0]).ticks_between(midnight - second, midnight + timedelta(hours=hours) - second, 999)
    return [f"{tick.astimezone(zone):%H:%M%z}" for tick in ticks]


@pytest.mark.parametrize(
    ("expression", "day", "times"),
    [
        # A rhythm runs on across a gap of whole hours, whatever the offsets around it.
        (
            "0 * * * *",
            CHATHAM_SPRING,
            ["00:00+1245", "01:00+1245", "02:00+1245", "04:00+1345", "05:00+1345"],
        ),
        # A step that leaves one hour of the day names a time of day, which runs once.
        ("0 */24 * * *", HAVANA_AUTUMN, ["00:00-0400"]),
        # A time that is skipped runs when the gap ends.
        ("30 2 * * *", BERLIN_SPRING, ["03:00+0200"]),
        ("0 2 * * *", BERLIN_SPRING, ["03:00+0200"]),
        ("30 2 * * *", NEW_YORK_SPRING, ["03:00-0400"]),
        ("15 2 * * *", LORD_HOWE_SPRING, ["02:30+1100"]),
        ("45 2 * * *", LORD_HOWE_SPRING, ["02:45+1100"]),
        ("@daily", HAVANA_SPRING, ["01:00-0400"]),
        # Several of them run once, together with one that is due then anyway.
        ("0,20,40 2 * * *", BERLIN_SPRING, ["03:00+0200"]),
        ("30 1-3 * * *", BERLIN_SPRING, ["01:30+0100", "03:00+0200", "03:30+0200"]),
        ("0 1-3 * * *", BERLIN_SPRING, ["01:00+0100", "03:00+0200"]),
        ("*/15 2 * * *", BERLIN_SPRING, ["03:00+0200"]),
        # A rhythm goes on unbroken, and catches up where it doesn't.
        ("30 * * * *", BERLIN_SPRING, ["00:30+0100", "01:30+0100", "03:30+0200", "04:30+0200", "05:30+0200"]),
        ("40 0-23 * * *", BERLIN_SPRING, ["00:40+0100", "01:40+0100", "03:40+0200", "04:40+0200", "05:40+0200"]),
        ("30 */2 * * *", BERLIN_SPRING, ["00:30+0100", "03:00+0200", "04:30+0200"]),
        (
            "15 * * * *",
            LORD_HOWE_SPRING,
            ["00:15+1030", "01:15+1030", "02:30+1100", "03:15+1100", "04:15+1100", "05:15+1100"],
        ),
        # A time that is shown twice runs the first time.
        ("30 2 * * *", BERLIN_AUTUMN, ["02:30+0200"]),
        ("30 1 * * *", NEW_YORK_AUTUMN, ["01:30-0400"]),
        ("45 1 * * *", LORD_HOWE_AUTUMN, ["01:45+1100"]),
        ("30 1 * * *", DUBLIN_AUTUMN, ["01:30+0100"]),
        ("@daily", HAVANA_AUTUMN, ["00:00-0400"]),
        ("30 1-3 * * *", BERLIN_AUTUMN, ["01:30+0200", "02:30+0200", "03:30+0100"]),
        # A rhythm runs in both passes.
        ("30 * * * *", BERLIN_AUTUMN, ["00:30+0200", "01:30+0200", "02:30+0200", "02:30+0100", "03:30+0100"]),
        ("0 */2 * * *", BERLIN_AUTUMN, ["00:00+0200", "02:00+0200", "02:00+0100"]),
        ("*/30 2 * * *", BERLIN_AUTUMN, ["02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100"]),
        ("45 * * * *", LORD_HOWE_AUTUMN, ["00:45+1100", "01:45+1100", "01:45+1030", "02:45+1030", "03:45+1030"]),
        ("45 * * * *", DUBLIN_AUTUMN, ["00:45+0100", "01:45+0100", "01:45+0000", "02:45+0000", "03:45+0000"]),
    ],
)
def test_a_day_on_which_the_clock_is_set(expression: str, day: Day, times: list[str]) -> None:
    assert times_of(expression, day) == times


@pytest.mark.parametrize("day", [BERLIN_SPRING, BERLIN_AUTUMN, NEW_YORK_SPRING, NEW_YORK_AUTUMN, HAVANA_AUTUMN])
@pytest.mark.parametrize(("expression", "minutes"), [("* * * * *", 1), ("*/15 * * * *", 15), ("0 * * * *", 60)])
def test_a_rhythm_keeps_its_distance_whatever_the_clock_shows(day: Day, expression: str, minutes: int) -> None:
    start = datetime.fromisoformat(day[1]).replace(tzinfo=ZoneInfo(day[0])).astimezone(UTC)

    ticks = parse(expression, day[0]).ticks_between(start, start + timedelta(hours=6), 999)

    assert ticks == [start + timedelta(minutes=minutes * n) for n in range(1, 360 // minutes + 1)]


@pytest.mark.parametrize(
    ("expression", "ticks"),
    [
        ("0 6 * * *", ["2011-12-29 06:00-10:00", "2011-12-31 00:00+14:00", "2011-12-31 06:00+14:00"]),
        ("0 */12 * * *", ["2011-12-29 12:00-10:00", "2011-12-31 00:00+14:00", "2011-12-31 12:00+14:00"]),
        ("30 23 * * *", ["2011-12-29 23:30-10:00", "2011-12-31 00:00+14:00", "2011-12-31 23:30+14:00"]),
        ("0 6 * * FRI", ["2011-12-31 00:00+14:00", "2012-01-06 06:00+14:00", "2012-01-13 06:00+14:00"]),
    ],
)
def test_a_day_that_never_was_runs_when_the_next_one_begins(expression: str, ticks: list[str]) -> None:
    cron = parse(expression, "Pacific/Apia")
    expected = [datetime.fromisoformat(tick) for tick in ticks]

    found = cron.ticks_between(expected[0] - timedelta(minutes=1), expected[-1], 9)

    assert found == expected
    assert [cron.last_at_or_before(tick + timedelta(minutes=1)) for tick in expected] == expected


@pytest.mark.parametrize(
    "day",
    [
        BERLIN_SPRING, BERLIN_AUTUMN, NEW_YORK_SPRING, NEW_YORK_AUTUMN, LORD_HOWE_SPRING, LORD_HOWE_AUTUMN,
        HAVANA_SPRING, HAVANA_AUTUMN, DUBLIN_AUTUMN, APIA_WITHOUT_A_DAY,
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "expression",
    ["*/20 * * * *", "7 * * * *", "50 */2 * * *", "*/25 1-2 * * *", "10,40 0-2 * * *", "30 2 * * *", "0 0 * * *"],
)
def test_the_rule_holds_for_every_minute_around_a_shift(expression: str, day: Day) -> None:
    """Told minute by minute: what the clock shows then, and croniter's list of the wall times that match."""
    zone = ZoneInfo(day[0])
    start = datetime.fromisoformat(day[1]).replace(tzinfo=UTC) - timedelta(hours=30)
    minutes = [start + timedelta(minutes=n) for n in range(60 * 60)]
    walls = [minute.astimezone(zone).replace(tzinfo=None, fold=0) for minute in minutes]
    due = wall_times(expression, walls[0], max(walls))
    rhythm = "*" in expression.split()[0] or "*" in expression.split()[1]
    every_hour = expression.split()[1] == "*"
    expected, shown = [], set()
    for number, (minute, wall) in enumerate(zip(minutes, walls, strict=True)):
        before = walls[number - 1] if number else wall - timedelta(minutes=1)
        second_pass = wall in shown
        shown.add(wall)
        skipped = {w for w in due if before < w < wall}
        unbroken = every_hour and (wall - before - timedelta(minutes=1)) % timedelta(hours=1) == timedelta()
        if (wall in due and (rhythm or not second_pass)) or (skipped and not unbroken):
            expected.append(minute)

    ticks = parse(expression, day[0]).ticks_between(start - timedelta(minutes=1), minutes[-1], 9999)

    assert expected
    assert ticks == expected


def wall_times(expression: str, first: datetime, last: datetime) -> set[datetime]:
    ticks = croniter(expression, first - timedelta(minutes=1))
    found = set()
    while (tick := ticks.get_next(datetime)) <= last:
        found.add(tick)
    return found
