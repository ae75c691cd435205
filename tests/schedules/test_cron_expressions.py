from datetime import UTC, datetime, timedelta

import pytest

from jobqueue.schedules import InvalidSchedule, parse
from jobqueue.schedules.reading import read
from jobqueue.schedules.walltimes import WallTimes

FRIDAY = datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("* * * * *", "2027-01-01 12:01"),
        ("*/15 * * * *", "2027-01-01 12:15"),
        ("0 6 * * *", "2027-01-02 06:00"),
        ("0 6,18 * * *", "2027-01-01 18:00"),
        ("0 9-17 * * MON-FRI", "2027-01-01 13:00"),
        ("0 9 * * mon", "2027-01-04 09:00"),
        ("0 9 * * 7", "2027-01-03 09:00"),
        ("0 9 * * 6-7", "2027-01-02 09:00"),
        ("0 9 * * sat-mon", "2027-01-02 09:00"),
        ("0 0 1 jan *", "2028-01-01 00:00"),
        ("0 0 1 nov-feb *", "2027-02-01 00:00"),
        ("0 22-2 * * *", "2027-01-01 22:00"),
        ("10/20 * * * *", "2027-01-01 12:10"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("0 0 31 * *", "2027-01-31 00:00"),
        ("0 0 31 4,6 *", None),
        ("0 0 31 2 *", None),
        ("0 0 31 2 MON", "2027-02-01 00:00"),
        ("0 0 13 * FRI", "2027-01-08 00:00"),
        ("0 0 L * *", "2027-01-31 00:00"),
        ("0 0 L 2 *", "2027-02-28 00:00"),
        ("0 0 10,L * *", "2027-01-10 00:00"),
        ("0 0 * * MON#2", "2027-01-11 00:00"),
        ("0 0 * 2 MON#5", "2044-02-29 00:00"),
        ("0 0 * * L5", "2027-01-29 00:00"),
        ("0 0 ? * ?", "2027-01-02 00:00"),
        ("  0   6  * * *  ", "2027-01-02 06:00"),
        ("0\t6 * * *\n", "2027-01-02 06:00"),
        ("@hourly", "2027-01-01 13:00"),
        ("@daily", "2027-01-02 00:00"),
        ("@Midnight", "2027-01-02 00:00"),
        ("@weekly", "2027-01-03 00:00"),
        ("@monthly", "2027-02-01 00:00"),
        ("@yearly", "2028-01-01 00:00"),
        ("@annually", "2028-01-01 00:00"),
        ("* * * * * *", "2027-01-01 12:00:01"),
        ("* * * * * */30", "2027-01-01 12:00:30"),
        ("30 6 * * * 15", "2027-01-02 06:30:15"),
    ],
)
def test_the_next_tick(expression: str, following: str | None) -> None:
    tick = parse(expression, "UTC").next_after(FRIDAY)

    assert tick == (following and datetime.fromisoformat(following).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("expression", "newest"),
    [
        ("* * * * *", "2027-01-01 12:00"),
        ("1 * * * *", "2027-01-01 11:01"),
        ("0 13 * * *", "2026-12-31 13:00"),
        ("0 0 29 2 *", "2024-02-29 00:00"),
        ("0 0 31 2 *", None),
        ("0 0 L * *", "2026-12-31 00:00"),
        ("0 0 * 2 MON#5", "2016-02-29 00:00"),
        ("* * * * * 59", "2027-01-01 11:59:59"),
    ],
)
def test_the_newest_tick(expression: str, newest: str | None) -> None:
    tick = parse(expression, "UTC").last_at_or_before(FRIDAY)

    assert tick == (newest and datetime.fromisoformat(newest).replace(tzinfo=UTC))


def test_a_leap_day_is_found_over_the_century_without_one() -> None:
    tick = parse("0 0 29 2 *", "UTC").next_after(datetime(2096, 3, 1, tzinfo=UTC))

    assert tick == datetime(2104, 2, 29, tzinfo=UTC)


def test_the_end_of_the_calendar_is_the_end_of_the_ticks() -> None:
    cron = parse("0 0 1 1 *", "UTC")

    assert cron.next_after(datetime(9999, 6, 1, tzinfo=UTC)) is None
    assert cron.last_at_or_before(datetime(1, 1, 1, tzinfo=UTC)) == datetime(1, 1, 1, tzinfo=UTC)


def test_the_first_and_the_last_year_of_the_calendar_have_their_ticks() -> None:
    cron = parse("0 0 1 7 *", "UTC")

    assert cron.next_after(datetime(9998, 8, 1, tzinfo=UTC)) == datetime(9999, 7, 1, tzinfo=UTC)
    assert cron.last_at_or_before(datetime(2, 6, 1, tzinfo=UTC)) == datetime(1, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "never"),
    [("0 0 29 2 *", False), ("0 0 30 2 *", True), ("0 0 31 4,6,9,11 *", True), ("0 0 31 4,5 *", False)],
)
def test_what_never_comes_is_known_without_a_search(expression: str, never: bool) -> None:
    assert WallTimes(read(expression)).never is never


def test_a_tick_is_by_the_clock_of_its_timezone() -> None:
    tick = parse("0 6 * * *", "Asia/Kolkata").next_after(FRIDAY)

    assert tick == datetime(2027, 1, 2, 0, 30, tzinfo=UTC)
    assert tick.tzinfo is UTC


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("", "it has 0 fields"),
        ("   ", "it has 0 fields"),
        ("every day", "it has 2 fields"),
        ("* * * *", "it has 4 fields"),
        ("* * * * * * *", "it has 7 fields"),
        ("0 0 1 1 * 0 2030", "it has 7 fields"),
        ("@reboot", "an unknown alias"),
        ("@every 5m", "an unknown alias"),
        ("61 * * * *", "minute '61' can't be read; 0 to 59 are allowed"),
        ("* 24 * * *", "hour '24'"),
        ("* * 0 * *", "day of month '0'"),
        ("* * 32 * *", "day of month '32'"),
        ("* * * 13 *", "month '13'"),
        ("* * * * 8", "day of week '8'"),
        ("* * * * * 60", "second '60'"),
        ("* * * foo *", "month 'foo'"),
        ("* * * mon *", "month 'mon'"),
        ("1,,2 * * * *", "minute '1,,2'"),
        ("-5 * * * *", "minute '-5'"),
        ("*/0 * * * *", "minute '*/0'"),
        ("5-70 * * * *", "minute '5-70'"),
        ("1.5 * * * *", "minute '1.5'"),
        ("H * * * *", "minute 'H' is a random value"),
        ("* h(0-5) * * *", "hour 'h(0-5)' is a random value"),
        ("R/5 * * * *", "minute 'R/5' is a random value"),
        ("5-5 * * * *", "minute '5-5' has a range of one value"),
        ("0 0 * jan-jan *", "month 'jan-jan' has a range of one value"),
        ("0 0 * * sun-0", "day of week 'sun-0' has a range of one value"),
        ("0 0 * * 7-0", "day of week '7-0' has a range of one value"),
        ("0 22-4/3 * * *", "hour '22-4/3' has a step over a range that runs backwards"),
        ("0 0 15W * *", "day of month '15W' asks for the nearest weekday"),
        ("0 0 L-3 * *", "day of month 'L-3'"),
        ("0 0 * * 5L", "day of week '5L'"),
        ("0 0 * * MON#6", "day of week 'MON#6'"),
        ("0 0 * * MON#1,FRI", "day of week 'MON#1,FRI'"),
        ("0 0 1 * MON#1", "a weekday's place in the month stands alone"),
        ("0 0 * * 0-6,MON#1", "a weekday's place in the month stands alone"),
        ("0 0 * * *\x00", "only plain printable characters"),
        ("0\u00a00 * * *", "only plain printable characters"),
        ("\u0661 * * * *", "only plain printable characters"),
        ("9" * 400 + " * * * *", "minute '999"),
        ("0," * 10_000 + "0 * * * *", "characters, at most 500 are allowed"),
    ],
)
def test_a_malformed_expression_is_named_with_its_fault(expression: str, told: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        parse(expression, "UTC")

    message = str(refusal.value)
    assert message.startswith(f"cron {expression!r}"[:60])
    assert told in message
    assert "allowed" in message or "alone" in message
    assert len(message) < 400


@pytest.mark.parametrize(
    "timezone",
    ["", "Mars/Olympus", "utc ", "Europe/berlin", "America", "../../etc/passwd", "localtime", "x" * 9000, "UTC\x00"],
)
def test_an_unknown_timezone_is_named(timezone: str) -> None:
    with pytest.raises(InvalidSchedule, match="unknown; an IANA name is needed") as refusal:
        parse("* * * * *", timezone)

    assert str(refusal.value).startswith(f"timezone {timezone!r}"[:60])
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("weekday", range(7))
def test_the_last_weekday_of_a_month_is_the_last_one_whatever_the_month(weekday: int) -> None:
    """2024 to 2034 have months of every length that begin on every day of the week."""
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=day) for day in range((end - start).days)]
    last = [day for day in days if day.isoweekday() % 7 == weekday and (day + timedelta(days=7)).month != day.month]

    cron = parse(f"0 0 * * L{weekday}", "UTC")

    assert list(cron.ticks_between(start - timedelta(seconds=1), end, 200)) == last


def test_asking_again_between_two_ticks_searches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[datetime] = []
    first_from = WallTimes.first_from

    def counted(walls: WallTimes, wall: datetime) -> datetime | None:
        searched.append(wall)
        return first_from(walls, wall)

    monkeypatch.setattr(WallTimes, "first_from", counted)
    hourly, never = parse("0 * * * *", "UTC"), parse("0 0 31 2 *", "UTC")

    for minutes in (0, 0, 1, 59):
        assert hourly.last_at_or_before(FRIDAY + timedelta(minutes=minutes)) == FRIDAY
        assert hourly.next_after(FRIDAY + timedelta(minutes=minutes)) == FRIDAY + timedelta(hours=1)
    assert len(searched) == 1
    assert hourly.next_after(FRIDAY + timedelta(hours=1)) == FRIDAY + timedelta(hours=2)
    assert len(searched) == 2
    for _ in range(2):
        assert (never.last_at_or_before(FRIDAY), never.next_after(FRIDAY)) == (None, None)
    assert len(searched) == 3


def test_at_the_ends_of_the_calendar_a_tick_on_one_side_is_remembered() -> None:
    cron = parse("0 0 1 1 *", "UTC")

    for _ in range(2):
        assert cron.next_after(datetime(9999, 6, 1, tzinfo=UTC)) is None
        assert cron.last_at_or_before(datetime(9999, 6, 1, tzinfo=UTC)) == datetime(9999, 1, 1, tzinfo=UTC)


def test_an_expression_may_have_500_characters_and_no_more() -> None:
    allowed = "0 0 * * 1".ljust(500)
    assert parse(allowed, "UTC").next_after(FRIDAY) == datetime(2027, 1, 4, tzinfo=UTC)

    with pytest.raises(InvalidSchedule, match="it has 501 characters, at most 500 are allowed"):
        parse(allowed + " ", "UTC")


@pytest.mark.parametrize(("length", "shown"), [(80, "x" * 80), (81, "x" * 77 + "..."), (200, "x" * 77 + "...")])
def test_a_message_quotes_80_characters(length: int, shown: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        parse("* * * * *", "x" * length)

    assert str(refusal.value).startswith(f"timezone '{shown}': ")
