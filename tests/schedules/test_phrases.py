import calendar
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobqueue.schedules import UNPARSABLE, parse, phrase

PHRASES = {
    "* * * * *": "Every minute",
    "*/1 * * * *": "Every minute",
    "*/5 * * * *": "Every 5 minutes",
    "*/15 * * * *": "Every 15 minutes",
    "0,30 * * * *": "Every 30 minutes",
    "* * * * * *": "Every second",
    "* * * * * */30": "Every 30 seconds",
    "*/5 * * * * 0": "Every 5 minutes",
    "0 * * * *": "Every hour",
    "30 * * * *": "Hourly at :30",
    "5 * * * *": "Hourly at :05",
    "5,35 * * * *": "Hourly at :05 and :35",
    "*/45 * * * *": "Hourly at :00 and :45",
    "2-59/15 * * * *": "Every 15 minutes from :02",
    "5,20,35,50 * * * *": "Every 15 minutes from :05",
    "1,21,41 * * * *": "Every 20 minutes from :01",
    "1-59/2 * * * *": "Every 2 minutes from :01",
    "2-59/15 * * * 1-5": "Every 15 minutes from :02 on weekdays",
    "* 6 * * *": "Every minute from 6:00 AM to 6:59 AM",
    "0 9-17 * * *": "Every hour from 9:00 AM to 5:00 PM",
    "15 9-17 * * *": "Every hour from 9:15 AM to 5:15 PM",
    "*/15 9-17 * * 1-5": "Every 15 minutes from 9:00 AM to 5:45 PM on weekdays",
    "2-59/30 8-11 * * 0": "Every 30 minutes from 8:02 AM to 11:32 AM on Sundays",
    "0 1,2,3,4,5 * * *": "Every hour from 1:00 AM to 5:00 AM",
    "0 1-23/2 * * *": "Every 2 hours from 1:00 AM to 11:00 PM",
    "0 */5 * * *": "Every 5 hours from midnight to 8:00 PM",
    "0 */2 * * *": "Every 2 hours",
    "15 */6 * * *": "Every 6 hours at :15",
    "0 */12 * * *": "Every 12 hours",
    "*/15 * * * 1-5": "Every 15 minutes on weekdays",
    "0 * * * 0": "Every hour on Sundays",
    "0 * * * 1-6": "Every hour except on Sundays",
    "0 6 * * *": "Daily at 6:00 AM",
    "0 0 * * *": "Daily at midnight",
    "0 12 * * *": "Daily at noon",
    "30 0 * * *": "Daily at 12:30 AM",
    "5 12 * * *": "Daily at 12:05 PM",
    "59 23 * * *": "Daily at 11:59 PM",
    "0 6,18 * * *": "Daily at 6:00 AM and 6:00 PM",
    "0 0,12 * * *": "Daily at midnight and noon",
    "0,30 9 * * *": "Daily at 9:00 AM and 9:30 AM",
    "0 8,12,16,20 * * *": "Daily at 8:00 AM, noon, 4:00 PM and 8:00 PM",
    "0 0,6,12,18 * * *": "Daily at midnight, 6:00 AM, noon and 6:00 PM",
    "0 */24 * * *": "Daily at midnight",
    "0 0 ? * 0-6": "Daily at midnight",
    "0 0 1-31 * ?": "Daily at midnight",
    "0 9 * * 1-5": "Weekdays at 9:00 AM",
    "0 9 * * MON-FRI": "Weekdays at 9:00 AM",
    "30 10 * * sat,sun": "Weekends at 10:30 AM",
    "30 8 * * 1": "Mondays at 8:30 AM",
    "30 8 * * 7": "Sundays at 8:30 AM",
    "0 8 * * 4,1": "Mondays and Thursdays at 8:00 AM",
    "0 8 * * 0,1,3": "Mondays, Wednesdays and Sundays at 8:00 AM",
    "0 8 * * 1-4": "Mondays, Tuesdays, Wednesdays and Thursdays at 8:00 AM",
    "0 3 * * 1-6": "Daily except Sundays at 3:00 AM",
    "0 3 * * 2-6": "Daily except Mondays and Sundays at 3:00 AM",
    "0 0 1 * *": "Monthly on day 1 at midnight",
    "0 6 1,15 * *": "Monthly on days 1 and 15 at 6:00 AM",
    "0 0 L * *": "Monthly on the last day at midnight",
    "0 9 * * MON#1": "Monthly on the first Monday at 9:00 AM",
    "0 9 * * MON#2": "Monthly on the second Monday at 9:00 AM",
    "0 9 * * MON#3": "Monthly on the third Monday at 9:00 AM",
    "0 9 * * MON#4": "Monthly on the fourth Monday at 9:00 AM",
    "0 9 * * L5": "Monthly on the last Friday at 9:00 AM",
    "0 0 28 * *": "Monthly on day 28 at midnight",
    "0 0 28 2 *": "Yearly on February 28 at midnight",
    "0 0 1 1 *": "Yearly on January 1 at midnight",
    "0 0 31 12 *": "Yearly on December 31 at midnight",
    "0 6 1 4,10 *": "Yearly on April 1 and October 1 at 6:00 AM",
    "@hourly": "Every hour",
    "@daily": "Daily at midnight",
    "@midnight": "Daily at midnight",
    "@weekly": "Sundays at midnight",
    "@monthly": "Monthly on day 1 at midnight",
    "@yearly": "Yearly on January 1 at midnight",
    "@annually": "Yearly on January 1 at midnight",
}

RAW = [
    "*/7 * * * *",  # begins anew each hour
    "0,40 9-13 * * *",  # not even
    "0 22-23,0-5 * * *",
    "0 0 */2 * *",  # begins anew each month
    "*/20 9-17 1 * *",
    "*/20 9-17 * 7 *",
    "* * * * * */7",
    "* * * * * 5",
    "* 9 * * * */30",
    "5 * * * * */30",
    "30 6 * * * 15",
    "0 0 31 * *",  # not in every month
    "0 0 29 * *",
    "0 0 29 2 *",  # not in every year
    "0 0 31 2 *",  # never
    "0 0 1,L * *",
    "0 0 L 2 *",
    "0 9 * * MON#5",
    "0 9 * * MON#1,FRI#1",
    "0 0 1 * 1",  # either
    "0 0 1-31 * 1",
    "0 0 * 7 *",
    "* * 1 * *",
    "* * * 7 *",
    "0  0  1 1-5  *",
]


@pytest.mark.parametrize(("expression", "said"), PHRASES.items())
def test_an_expression_is_said_as_people_say_it(expression: str, said: str) -> None:
    assert phrase(expression) == said


@pytest.mark.parametrize("expression", RAW)
def test_an_expression_stays_as_it_is_where_no_phrase_says_exactly_that(expression: str) -> None:
    assert phrase(expression) == expression


def test_a_phrase_names_the_timezone_where_it_names_a_time_or_a_day() -> None:
    assert phrase("0 6 * * *", "Europe/Berlin") == "Daily at 6:00 AM (Europe/Berlin)"
    assert phrase("*/15 * * * 1-5", "Europe/Berlin") == "Every 15 minutes on weekdays (Europe/Berlin)"
    assert phrase("30 * * * *", "Asia/Kolkata") == "Hourly at :30 (Asia/Kolkata)"
    assert phrase("*/15 * * * *", "Europe/Berlin") == "Every 15 minutes"
    assert phrase("0 6 * * *", "Etc/UTC") == "Daily at 6:00 AM"
    assert phrase("*/7 * * * *", "Europe/Berlin") == "*/7 * * * *"


@pytest.mark.parametrize("expression", ["", "every day", "61 * * * *", "@reboot", "H * * * *", "* * * * * * *", "\n"])
def test_what_cannot_be_parsed_says_so(expression: str) -> None:
    assert phrase(expression) == UNPARSABLE == "Can't be parsed"


minutes = st.sampled_from(
    ["*", "0", "30", "7", "*/5", "*/7", "*/30", "0,30", "15,45", "0-59", "1-59/2", "2-59/15", "1,3"]
)
hours = st.sampled_from(
    ["*", "0", "6", "12", "18", "23", "*/2", "*/5", "*/12", "0,12", "6,18", "9-17", "8-11", "22-23,0-5"]
)
days = st.sampled_from(["*", "*", "*", "1", "15", "29", "31", "1,15", "L", "1-31", "?"])
months = st.sampled_from(["*", "*", "*", "1", "2", "12", "1,7", "JAN-MAR"])
weekdays = st.sampled_from(["*", "*", "1", "7", "0,6", "1-5", "1,4", "2-6", "1-6", "5-6", "MON#1", "L5", "3#5", "0-6"])


@settings(deadline=None, max_examples=400)
@given(st.tuples(minutes, hours, days, months, weekdays).map(" ".join), st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_a_phrase_claims_exactly_the_ticks(expression: str, first: date) -> None:
    try:
        cron = parse(expression, "UTC")
    except ValueError:
        assert phrase(expression) == UNPARSABLE
        return
    said = phrase(expression)
    if said == expression:
        return
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    # Days are told apart over more than a year; a rhythm has so many ticks that eight days have to do.
    length = timedelta(days=8 if re.match(r"Every|Hourly", said) else 400)
    ends = start + length
    midnights = (start + timedelta(days=n) for n in range(length.days))
    claimed = [
        midnight + time for midnight in midnights if claims_day(said)(midnight.date()) for time in claimed_times(said)
    ]

    assert cron.ticks_between(start - timedelta(seconds=1), ends - timedelta(seconds=1), 99_999) == claimed


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["*", "*/2", "*/7", "*/15", "*/30", "*/45", "0,20,40"]))
def test_every_so_many_seconds_means_so_many(seconds: str) -> None:
    said = phrase(f"* * * * * {seconds}")
    start = datetime(2027, 1, 1, tzinfo=UTC)
    ticks = parse(f"* * * * * {seconds}", "UTC").ticks_between(start, start + timedelta(minutes=3), 999)

    distances = {(b - a).total_seconds() for a, b in pairwise(ticks)}

    assert (said.startswith("Every")) == (len(distances) == 1)
    if said.startswith("Every"):
        assert distances == {float((re.findall(r"\d+", said) or ["1"])[0])}


def claimed_times(said: str) -> list[timedelta]:
    """The times of day that a phrase claims, read from its words alone."""
    day = range(24 * 60)
    if spell := re.match(r"Every (?:(\d+) )?(minute|hour)s? from (.*?) to (.*?)(?: on .*| except .*)?$", said):
        step = int(spell[1] or 1) * (60 if spell[2] == "hour" else 1)
        found = list(range(claimed_time(spell[3]), claimed_time(spell[4]) + 1, step))
    elif said.startswith("Every minute"):
        found = list(day)
    elif every := re.match(r"Every (\d+) minutes(?: from :(\d\d))?", said):
        found = [minute for minute in day if minute % int(every[1]) == int(every[2] or 0)]
    elif hourly := re.match(r"Every hour|Hourly at ([^a-z]*(?:and :\d\d)?)", said):
        past = {int(minute) for minute in re.findall(r":(\d\d)", hourly[1] or ":00")}
        found = [minute for minute in day if minute % 60 in past]
    elif hours := re.match(r"Every (\d+) hours(?: at :(\d\d))?", said):
        found = [minute for minute in day if minute % (60 * int(hours[1])) == int(hours[2] or 0)]
    else:
        times = re.split(r", | and ", said.rpartition(" at ")[2])
        found = sorted(claimed_time(time) for time in times)
    return [timedelta(minutes=minute) for minute in found]


def claimed_time(text: str) -> int:
    if text in ("midnight", "noon"):
        return 0 if text == "midnight" else 12 * 60
    hour, minute, half = re.fullmatch(r"(\d+):(\d\d) (AM|PM)", text).groups()  # type: ignore[union-attr]
    return (int(hour) % 12 + (12 if half == "PM" else 0)) * 60 + int(minute)


def claims_day(said: str) -> Callable[[date], bool]:
    """Whether a phrase claims a day, read from its words alone."""
    rhythm = re.match(r"(?:Every|Hourly).*?(?: (on|except on) (.*))?$", said)
    words = said.rpartition(" at ")[0] if rhythm is None else (rhythm[2] or "Daily")
    named = {day for day in calendar.day_name if f"{day}s" in words}
    if (rhythm and rhythm[1] == "except on") or words.startswith("Daily except"):
        return lambda day: f"{day:%A}" not in named
    if words == "Daily":
        return lambda day: True
    if words.lower() in ("weekdays", "weekends"):
        return lambda day: (day.weekday() < 5) == (words.lower() == "weekdays")
    if named:
        return lambda day: f"{day:%A}" in named
    if words == "Monthly on the last day":
        return lambda day: (day + timedelta(days=1)).day == 1
    if place := re.match(r"Monthly on the (first|last) (\w+)", words):
        week = timedelta(days=7 if place[1] == "last" else -7)
        return lambda day: f"{day:%A}" == place[2] and (day + week).month != day.month
    if words.startswith("Monthly on day"):
        return lambda day: str(day.day) in re.findall(r"\d+", words)
    dates = re.split(r", | and ", words.removeprefix("Yearly on "))
    return lambda day: f"{day:%B} {day.day}" in dates
