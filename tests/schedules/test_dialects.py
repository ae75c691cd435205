"""Each engine's cron is read as the engine's own parser reads it."""

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobqueue.dialects import Dialect
from jobqueue.schedules import Cron, InvalidSchedule, parse, phrase
from jobqueue.schedules.reading import read
from tests.schedules.expressions import generated

ROOT = Path(__file__).parents[2]
PARSERS = Path(__file__).with_name("parsers")
OBAN = ROOT / ".cache/oban"
COUNT = 300
"""Expressions for each parser."""

MINUTE = timedelta(minutes=1)
FIRST, DAYS = date(2027, 2, 25), 400
SHIFTS = [
    ("Europe/Berlin", datetime(2027, 3, 28, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2027, 10, 31, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 3, 14, 7, tzinfo=UTC)),
    ("America/Santiago", datetime(2027, 9, 5, 4, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 10, 2, 15, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, tzinfo=UTC)),
]
NEAR = timedelta(minutes=75)
SHIFTED = 25
"""One expression in so many is looked at near a shift of a clock, too: cron-parser takes long for it."""

Asked = tuple[str, str | None, tuple[int, int]]


def minutes_of(moment: datetime) -> int:
    """Whole minutes since the epoch."""
    return int(moment.timestamp()) // 60


def questions(seed: int) -> list[Asked]:
    """The expressions, and where each is looked at."""
    asked = []
    for n, expression in enumerate(generated(COUNT, seed)):
        zone, shift = SHIFTS[n // SHIFTED % len(SHIFTS)]
        asked.append((expression, None if n % SHIFTED else zone, (minutes_of(shift - NEAR), minutes_of(shift + NEAR))))
    return asked


def answers(command: Sequence[str], asked: Sequence[Asked]) -> list[Any]:
    """What the engine's parser says."""
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
    told: list[Any] = json.loads(done.stdout)
    assert sum(answer is not None for answer in told) > COUNT // 8
    return told


def ours(asked: Asked, dialect: Dialect) -> dict[str, Any] | None:
    """What we say, in the words of the parsers' programs."""
    expression, zone, (since, until) = asked
    try:
        fields, cron = read(expression, dialect), parse(expression, "UTC", dialect)
    except InvalidSchedule:
        return None
    shown = []
    if zone:
        near = parse(expression, zone, dialect)
        start, end = (datetime.fromtimestamp(60 * minute, UTC) for minute in (since, until))
        ticks = near.ticks_between(start - timedelta(seconds=1), end - timedelta(seconds=1), 999)
        shown = [minutes_of(tick) for tick in ticks]
    return {"minutes": [*fields.minutes], "hours": [*fields.hours], "days": days_of(cron), "shown": shown}


def days_of(cron: Cron) -> list[int]:
    """The days that have a tick, from 25 February 2027 on and over a leap day."""
    found = []
    tick = cron.next_after(datetime(2027, 2, 24, 23, 59, 59, tzinfo=UTC))
    while tick is not None and (day := (tick.date() - FIRST).days) < DAYS:
        found.append(day)
        tick = cron.next_after(datetime.combine(tick, datetime.max.time(), UTC))
    return found


def node(packages: Path) -> list[str]:
    """The Node.js that came with them."""
    found = [*packages.glob("node_modules/node-*/bin/node")]
    return [str(found[0]) if found else "node"]


PROGRAMS = {
    Dialect.PGBOSS: [*node(ROOT / ".cache/pgboss"), str(PARSERS / "pgboss.mjs"), str(ROOT / ".cache/pgboss")],
    Dialect.GRAPHILE: [*node(ROOT / ".cache/graphile"), str(PARSERS / "graphile.mjs"), str(ROOT / ".cache/graphile")],
    Dialect.OBAN: [str(OBAN / "bin/python"), str(PARSERS / "oban_cron.py")],
}


@pytest.mark.parametrize("dialect", PROGRAMS)
def test_an_expression_is_read_as_the_engines_own_parser_reads_it(dialect: Dialect) -> None:
    if dialect is Dialect.OBAN and not OBAN.is_dir():
        pytest.skip("Oban for Python needs Python 3.12")
    asked = questions(seed=len(dialect))
    match dialect:
        case Dialect.OBAN:  # Elixir's cuts white space off at the ends, Python's doesn't
            asked = [(expression.strip(), zone, span) for expression, zone, span in asked]
        case Dialect.GRAPHILE:  # runs by UTC alone
            asked = [(expression, None, span) for expression, _, span in asked]

    for question, told in zip(asked, answers(PROGRAMS[dialect], asked), strict=True):
        assert ours(question, dialect) == told, question


@pytest.mark.parametrize(
    ("dialect", "expression", "zone", "since", "ticks"),
    [
        (Dialect.OBAN, "0 9 1-7 * MON", "UTC", "2026-11-01", ["2026-11-02 09:00", "2026-12-07 09:00"]),
        (Dialect.OBAN, "0 0 13 * FRI", "UTC", "2026-11-01", ["2026-11-13 00:00", "2027-08-13 00:00"]),
        (Dialect.OBAN, "0 0 8-14 * 1", "UTC", "2026-11-01", ["2026-11-09 00:00", "2026-12-14 00:00"]),
        (Dialect.OBAN, "0 0 */2 * MON", "UTC", "2026-11-01", ["2026-11-09 00:00", "2026-11-23 00:00"]),
        (Dialect.OBAN, "0 9 * * 5/2", "UTC", "2026-11-01", ["2026-11-01 09:00", "2026-11-06 09:00"]),
        (Dialect.PGBOSS, "0 9 * * 7/2", "UTC", "2026-11-02", ["2026-11-08 09:00", "2026-11-15 09:00"]),
        (
            Dialect.PGBOSS,
            "0 9 * * 5L",
            "UTC",
            "2026-11-01",
            ["2026-11-27 09:00", "2026-12-25 09:00", "2027-01-29 09:00"],
        ),
        (Dialect.PGBOSS, "0 9 * * 1L,3L", "UTC", "2026-11-01", ["2026-11-25 09:00", "2026-11-30 09:00"]),
        (Dialect.PGBOSS, "0 9 1 * 5L", "UTC", "2026-11-02", ["2026-11-27 09:00", "2026-12-01 09:00"]),
        (Dialect.PGBOSS, "0 9 * * 7L", "UTC", "2026-11-01", ["2026-11-29 09:00", "2026-12-27 09:00"]),
        (Dialect.PGBOSS, "0 9 * * 7#1", "UTC", "2026-11-01", ["2026-11-01 09:00", "2026-12-06 09:00"]),
        (Dialect.PGBOSS, "0 9 1 * 1#1", "UTC", "2026-11-01", ["2026-11-01 09:00", "2026-11-02 09:00"]),
        (Dialect.PGBOSS, "@weekdays", "UTC", "2026-11-01", ["2026-11-02 00:00", "2026-11-03 00:00"]),
        (Dialect.PGBOSS, "@weekends", "UTC", "2026-11-02", ["2026-11-07 00:00", "2026-11-08 00:00"]),
        (Dialect.PGBOSS, "@minutely", "UTC", "2026-11-01", ["2026-11-01 00:00", "2026-11-01 00:01"]),
        (Dialect.PGBOSS, "@secondly", "UTC", "2026-11-01", ["2026-11-01 00:00", "2026-11-01 00:01"]),
        (Dialect.PGBOSS, "9 * * *", "UTC", "2026-11-01", ["2026-11-01 09:00", "2026-11-01 09:01"]),
        (Dialect.PGBOSS, "0 5-5 1-1 * *", "UTC", "2026-11-02", ["2026-12-01 05:00", "2027-01-01 05:00"]),
        (Dialect.PGBOSS, "30 15 9 * * *", "UTC", "2026-11-01", ["2026-11-01 09:15:30"]),
        (Dialect.PGBOSS, "30 2 * * 0", "Europe/Berlin", "2027-03-27", ["2027-04-04 00:30"]),
        (Dialect.OBAN, "30 2 * * 0", "Europe/Berlin", "2027-03-27", ["2027-04-04 00:30"]),
        (Dialect.PGBOSS, "0 2 * * *", "Europe/Berlin", "2027-03-27 12:00", ["2027-03-29 00:00"]),
        (Dialect.OBAN, "*/15 2 * * *", "Europe/Berlin", "2027-03-27 12:00", ["2027-03-29 00:00"]),
        (Dialect.PGBOSS, "0 */2 * * *", "Europe/Berlin", "2027-03-27 22:30", ["2027-03-27 23:00", "2027-03-28 02:00"]),
        (Dialect.OBAN, "0 0 * * *", "America/Santiago", "2027-09-04 12:00", ["2027-09-06 03:00"]),
        (Dialect.OBAN, "15 2 * * *", "Australia/Lord_Howe", "2027-10-02", ["2027-10-03 15:15"]),
        # robfig/cron: a wildcard makes both days needed, a step over it doesn't; 7 is no day; the clock is compared.
        (Dialect.RIVER, "0 9 1-7 * MON", "UTC", "2026-11-01", ["2026-11-01 09:00", "2026-11-02 09:00"]),
        (
            Dialect.RIVER,
            "0 9 * * 1/2",
            "UTC",
            "2026-11-01",
            ["2026-11-02 09:00", "2026-11-04 09:00", "2026-11-06 09:00", "2026-11-09 09:00"],
        ),
        (Dialect.OBAN, "0 2 28 3 *", "Europe/Berlin", "2026-10-25 00:30", ["2028-03-28 00:00"]),
        (Dialect.RIVER, "0 9 1,* * MON", "UTC", "2026-11-01", ["2026-11-02 09:00", "2026-11-09 09:00"]),
        (Dialect.RIVER, "0 9 */7 * MON", "UTC", "2026-11-01", ["2026-11-01 09:00", "2026-11-02 09:00"]),
        (Dialect.RIVER, "30 2 * * *", "Europe/Berlin", "2027-03-27 12:00", ["2027-03-29 00:30"]),
        (Dialect.GRAPHILE, "0 9 1-7 * 1", "UTC", "2026-11-01", ["2026-11-01 09:00", "2026-11-02 09:00"]),
        (Dialect.CRONITER, "0 9 1-7 * MON", "UTC", "2026-11-01", ["2026-11-01 09:00", "2026-11-02 09:00"]),
    ],
)
def test_a_tick_comes_when_the_engines_scheduler_looks_for_it(
    dialect: Dialect, expression: str, zone: str, since: str, ticks: list[str]
) -> None:
    start = datetime.fromisoformat(since).replace(tzinfo=UTC) - timedelta(seconds=1)

    found = parse(expression, zone, dialect).ticks_between(start, start + timedelta(days=600), len(ticks))

    assert found == [datetime.fromisoformat(tick).replace(tzinfo=UTC) for tick in ticks]


@pytest.mark.parametrize("dialect", Dialect)
def test_tabs_and_newlines_part_fields_too(dialect: Dialect) -> None:
    assert phrase("0\t9 * * *", dialect=dialect) == "Daily at 9:00 AM"
    assert phrase("0 9 * * 1-5\n", dialect=dialect) == "Weekdays at 9:00 AM"


@pytest.mark.parametrize(
    ("dialect", "expression", "told"),
    [
        (Dialect.PGBOSS, "0 9 * * 1,1", "day of week '1,1' names a value twice"),
        (Dialect.PGBOSS, "H * * * *", "minute 'H' can't be read"),
        (Dialect.PGBOSS, "* * * * * * *", "it has 7 fields; five or six fields (seconds first)"),
        (Dialect.PGBOSS, "*," * 600, "it has 1200 characters, at most 1024"),
        (Dialect.PGBOSS, "0 9 * * L", "day of week 'L' can't be read"),
        (Dialect.OBAN, "@reboot", "an unknown alias"),
        (Dialect.OBAN, "60 * * * *", "minute '60' is out of range; 0 to 59 are allowed"),
        (Dialect.OBAN, "* 24 * * *", "hour '24' is out of range; 0 to 23 are allowed"),
        (Dialect.OBAN, "* * 0 * *", "day of month '0' is out of range; 1 to 31 are allowed"),
        (Dialect.OBAN, "* * 32 * *", "day of month '32' is out of range; 1 to 31 are allowed"),
        (Dialect.OBAN, "* * * 0 *", "month '0' is out of range; 1 to 12 are allowed"),
        (Dialect.OBAN, "* * * 13 *", "month '13' is out of range; 1 to 12 are allowed"),
        (Dialect.OBAN, "* * * * 8", "day of week '8' is out of range; 0 to 7 are allowed"),
        (Dialect.PGBOSS, "60 * * * * *", "second '60' is out of range; 0 to 59 are allowed"),
        (Dialect.PGBOSS, "*/1000000000 * * * *", "minute '*/1000000000' can't be read"),
        (Dialect.OBAN, "0 9 * * mon", "day of week 'mon' can't be read"),
        (Dialect.OBAN, "*/100 * * * *", "minute '*/100' has the step 100"),
        (Dialect.OBAN, "0 0 9 * * *", "it has 6 fields; five fields or one of @hourly"),
        (Dialect.GRAPHILE, "1-9/2 * * * *", "minute '1-9/2' has a step that isn't one of all values"),
        (Dialect.GRAPHILE, "5-5 * * * *", "has a range that doesn't run forwards"),
        (Dialect.GRAPHILE, "0 9 * * MON", "day of week 'MON' can't be read"),
        (Dialect.GRAPHILE, "@daily", "an unknown alias; five fields are allowed"),
        (Dialect.RIVER, "0 9 * * 7", "day of week '7' is out of range; 0 to 6 are allowed"),
        (Dialect.RIVER, "@every 1h", "an unknown alias"),
        (Dialect.RIVER, ", * * * *", "minute ',' names nothing"),
        (Dialect.RIVER, "*/0 * * * *", "has the step 0"),
    ],
)
def test_what_an_engine_does_not_take_is_named_with_its_fault(dialect: Dialect, expression: str, told: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        parse(expression, "UTC", dialect)

    assert told in str(refusal.value)


@pytest.mark.parametrize(("dialect", "longest"), [(Dialect.PGBOSS, 1024), (Dialect.OBAN, 500), (Dialect.RIVER, 500)])
def test_an_expression_may_be_as_long_as_the_engine_takes_it(dialect: Dialect, longest: int) -> None:
    assert phrase("0 9 * * *".ljust(longest), dialect=dialect) == "Daily at 9:00 AM"

    with pytest.raises(InvalidSchedule, match=f"it has {longest + 1} characters, at most {longest} are allowed"):
        parse("0 9 * * *".ljust(longest + 1), "UTC", dialect)


def test_a_step_may_be_as_wide_as_the_engine_takes_it() -> None:
    for dialect, widest in ((Dialect.PGBOSS, 999_999_999), (Dialect.OBAN, 99)):
        assert read(f"*/{widest} * * * *", dialect).minutes == (0,)


@pytest.mark.parametrize(
    "expression", ["*/30 9 * * *", "5 */12 * * *", "*/15 9-17 * * *", "0,30 9 * * *", "5 3,15 * * *"]
)
@pytest.mark.parametrize("dialect", [Dialect.PGBOSS, Dialect.OBAN, Dialect.RIVER])
def test_a_rhythm_is_a_rhythm_in_every_dialect(dialect: Dialect, expression: str) -> None:
    assert phrase(expression, dialect=dialect) == phrase(expression)
