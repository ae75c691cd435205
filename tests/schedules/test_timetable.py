from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from jobqueue.rows import Hold, ScheduleRow
from jobqueue.schedules import UNPARSABLE, Schedule, Timetable

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
GRACE = timedelta(seconds=75)

MINUTELY = ScheduleRow(
    job_type="send-emails",
    description="Sends due e-mails",
    cron="* * * * *",
    timezone="UTC",
    priority=10,
    expire_after=timedelta(minutes=5),
    enabled=True,
    last_enqueued_at=NOON,
)
DAILY = replace(MINUTELY, job_type="report", cron="0 6 * * *", timezone="Europe/Berlin", priority=0)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def look(timetable: Timetable, row: ScheduleRow, minutes: float) -> Schedule:
    [schedule] = timetable.look([row], at(minutes))
    return schedule


@pytest.fixture
def timetable() -> Timetable:
    return Timetable(GRACE)


def test_a_schedule_as_the_page_shows_it(timetable: Timetable) -> None:
    schedule = look(timetable, DAILY, 0.5)

    assert schedule == Schedule(
        job_type="report",
        valid=True,
        enabled=True,
        phrase="Daily at 6:00 AM (Europe/Berlin)",
        description="Sends due e-mails (dropped after 5 minutes)",
        cron="0 6 * * *",
        timezone="Europe/Berlin",
        priority="Normal",
        next_run=datetime(2027, 1, 2, 5, tzinfo=UTC),
        expected_run=datetime(2027, 1, 1, 5, tzinfo=UTC),
        last_enqueued_at=NOON,
        missed_ticks=0,
    )


@pytest.mark.parametrize(("number", "word"), [(10, "High"), (1, "High"), (0, "Normal"), (-1, "Low"), (-10, "Low")])
def test_a_priority_is_a_word(timetable: Timetable, number: int, word: str) -> None:
    schedule = look(timetable, replace(MINUTELY, priority=number), 0)

    assert schedule.priority == word


def test_a_disabled_schedule_has_no_runs_and_misses_none(timetable: Timetable) -> None:
    schedule = look(timetable, replace(MINUTELY, enabled=False), 60)

    assert (schedule.valid, schedule.enabled, schedule.phrase) == (True, False, "Every minute")
    assert (schedule.next_run, schedule.expected_run, schedule.missed_ticks) == (None, None, 0)


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    "broken",
    [
        replace(MINUTELY, cron="61 * * * *"),
        replace(MINUTELY, cron=""),
        replace(MINUTELY, timezone="Mars/Olympus"),
    ],
)
def test_an_invalid_schedule_is_shown_without_runs(timetable: Timetable, broken: ScheduleRow, enabled: bool) -> None:
    row = replace(broken, enabled=enabled)

    schedule = look(timetable, row, 60)

    assert (schedule.valid, schedule.enabled, schedule.phrase) == (False, enabled, UNPARSABLE)
    assert (schedule.cron, schedule.timezone) == (row.cron, row.timezone)
    assert schedule.description == "Sends due e-mails (dropped after 5 minutes)"
    assert (schedule.next_run, schedule.expected_run, schedule.missed_ticks) == (None, None, 0)


def test_a_schedule_that_never_runs_is_valid(timetable: Timetable) -> None:
    schedule = look(timetable, replace(MINUTELY, cron="0 0 31 2 *"), 60)

    assert (schedule.valid, schedule.phrase) == (True, "0 0 31 2 *")
    assert (schedule.next_run, schedule.expected_run, schedule.missed_ticks) == (None, None, 0)


def test_what_is_wrong_is_logged_once(timetable: Timetable) -> None:
    with capture_logs() as logs:
        for minutes in range(3):
            look(timetable, replace(MINUTELY, cron="61 * * * *"), minutes)

    [entry] = logs
    assert (entry["event"], entry["job_type"]) == ("schedule.unreadable", "send-emails")
    assert "minute '61'" in entry["error"]


def test_a_poisoned_schedule_takes_no_other_down(timetable: Timetable) -> None:
    """An engine's row should hold no null; one that does must cost no more than itself."""
    poisoned = replace(DAILY, cron=None)  # type: ignore[arg-type]

    schedules = timetable.look([poisoned, MINUTELY], at(0))

    assert [(schedule.job_type, schedule.valid) for schedule in schedules] == [
        ("report", False),
        ("send-emails", True),
    ]


def test_missed_ticks_count_from_the_newest_job(timetable: Timetable) -> None:
    missed = [look(timetable, MINUTELY, minutes).missed_ticks for minutes in (0, 1, 2, 2.25, 3.25, 10.25)]

    assert missed == [0, 0, 0, 1, 2, 9]


def test_a_later_tick_that_is_enqueued_ends_the_count(timetable: Timetable) -> None:
    assert look(timetable, MINUTELY, 10).missed_ticks == 8

    assert look(timetable, replace(MINUTELY, last_enqueued_at=at(10)), 11).missed_ticks == 0


def test_a_schedule_that_was_never_enqueued_counts_from_when_it_was_first_seen(timetable: Timetable) -> None:
    row = replace(MINUTELY, last_enqueued_at=None)

    assert look(timetable, row, 0).missed_ticks == 0
    assert look(timetable, row, 5.25).missed_ticks == 4


def test_time_off_raises_no_alarm(timetable: Timetable) -> None:
    off = replace(MINUTELY, enabled=False)

    missed = [look(timetable, off, 60), look(timetable, MINUTELY, 120), look(timetable, MINUTELY, 123.25)]

    assert [schedule.missed_ticks for schedule in missed] == [0, 0, 2]


@pytest.mark.parametrize(
    "before",
    [
        replace(MINUTELY, cron="0 0 1 1 *"),
        replace(MINUTELY, timezone="Asia/Tokyo"),
        replace(MINUTELY, cron="not a cron"),
    ],
)
def test_a_changed_schedule_counts_from_the_change(timetable: Timetable, before: ScheduleRow) -> None:
    look(timetable, before, 60)

    assert look(timetable, MINUTELY, 120).missed_ticks == 0
    assert look(timetable, MINUTELY, 123.25).missed_ticks == 2


def test_a_changed_expression_is_read_anew(timetable: Timetable) -> None:
    look(timetable, replace(MINUTELY, cron="not a cron"), 0)

    assert look(timetable, MINUTELY, 1).next_run == at(2)


def test_what_a_poll_no_longer_holds_is_forgotten(timetable: Timetable) -> None:
    look(timetable, replace(MINUTELY, last_enqueued_at=None), 0)

    assert timetable.look([], at(1)) == []
    assert look(timetable, replace(MINUTELY, last_enqueued_at=None), 30).missed_ticks == 0


def test_schedules_come_in_the_order_of_the_rows(timetable: Timetable) -> None:
    rows = [replace(MINUTELY, job_type=name) for name in "cab"]

    assert [schedule.job_type for schedule in timetable.look(rows, at(0))] == ["c", "a", "b"]


def test_a_clock_that_jumps_back_misses_nothing(timetable: Timetable) -> None:
    assert look(timetable, MINUTELY, 10).missed_ticks == 8
    assert look(timetable, MINUTELY, -10).missed_ticks == 0
    assert look(timetable, MINUTELY, 3.25).missed_ticks == 2


def test_a_tick_whose_job_the_queue_has_deleted_is_no_missed_tick(timetable: Timetable) -> None:
    hourly = replace(MINUTELY, cron="0 * * * *", last_enqueued_at=None)
    look(timetable, hourly, 0)

    missed = []
    for hour in (1, 2, 3):
        missed.append(look(timetable, replace(hourly, last_enqueued_at=at(60 * hour)), 60 * hour + 0.5))
        missed.append(look(timetable, hourly, 60 * hour + 30))

    assert [schedule.missed_ticks for schedule in missed] == [0] * 6
    assert look(timetable, hourly, 60 * 5 + 2).missed_ticks == 2


def test_a_tick_from_a_clock_ahead_hides_later_ones_only_while_its_row_stands(timetable: Timetable) -> None:
    look(timetable, replace(MINUTELY, last_enqueued_at=at(600)), 0)

    assert look(timetable, MINUTELY, 5.25).missed_ticks == 4


def restarted(before: Timetable) -> Timetable:
    after = Timetable(GRACE)
    after.recall(before.standings)
    return after


def test_time_off_raises_no_alarm_after_a_restart_either(timetable: Timetable) -> None:
    look(timetable, replace(MINUTELY, enabled=False), 60)
    look(timetable, MINUTELY, 120)

    after = restarted(timetable)

    assert look(after, MINUTELY, 120.5).missed_ticks == 0
    assert look(after, MINUTELY, 123.25).missed_ticks == 2
    assert look(restarted(after), MINUTELY, 130.25).missed_ticks == 9


def test_what_was_missed_stays_missed_after_a_restart(timetable: Timetable) -> None:
    never = replace(MINUTELY, job_type="never", last_enqueued_at=None)
    timetable.look([MINUTELY, never], at(0))

    assert [one.missed_ticks for one in restarted(timetable).look([MINUTELY, never], at(10.25))] == [9, 9]


def test_a_change_that_nobody_saw_counts_from_the_first_look(timetable: Timetable) -> None:
    look(timetable, replace(MINUTELY, enabled=False), 60)

    after = restarted(timetable)

    assert look(after, MINUTELY, 120).missed_ticks == 0
    assert look(after, MINUTELY, 123.25).missed_ticks == 2


def test_what_is_recalled_late_takes_away_no_change_that_was_seen_since(timetable: Timetable) -> None:
    look(timetable, MINUTELY, 0)
    known = timetable.standings
    late = Timetable(GRACE)
    look(late, replace(MINUTELY, enabled=False), 60)
    look(late, MINUTELY, 120)

    late.recall(known)

    assert look(late, MINUTELY, 123.25).missed_ticks == 2


def held(row: ScheduleRow, since: float, until: float) -> ScheduleRow:
    return replace(row, hold=Hold(at(since), at(until)))


def test_ticks_that_a_job_keeps_away_are_not_missed_neither_meanwhile_nor_later(timetable: Timetable) -> None:
    assert look(timetable, held(MINUTELY, 0, 30), 30).missed_ticks == 0
    assert look(timetable, held(MINUTELY, 0, 30.5), 31).missed_ticks == 0
    assert look(timetable, MINUTELY, 31.5).missed_ticks == 0


def test_ticks_after_the_end_of_that_job_are_missed_as_any_other(timetable: Timetable) -> None:
    assert look(timetable, held(MINUTELY, 0, 30.5), 35.5).missed_ticks == 4
    assert look(Timetable(GRACE), held(MINUTELY, 0, 30.5), 35.5).missed_ticks == 4


def test_a_job_that_came_after_a_missed_tick_hides_none(timetable: Timetable) -> None:
    assert look(timetable, held(MINUTELY, 3.5, 10), 10).missed_ticks == 8
    assert look(timetable, held(MINUTELY, 3.5, 20), 20).missed_ticks == 18


def test_a_tick_whose_job_is_gone_is_no_missed_tick_after_a_restart_either(timetable: Timetable) -> None:
    look(timetable, MINUTELY, 0)
    look(timetable, replace(MINUTELY, last_enqueued_at=at(60)), 60.5)

    gone = replace(MINUTELY, last_enqueued_at=None)

    assert look(restarted(timetable), gone, 63.25).missed_ticks == 2


def test_a_job_keeps_ticks_away_also_when_those_before_it_are_gone(timetable: Timetable) -> None:
    look(timetable, replace(MINUTELY, last_enqueued_at=at(60)), 60.5)

    assert look(timetable, held(MINUTELY, 60.5, 90.5), 95.5).missed_ticks == 4
