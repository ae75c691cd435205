"""Two weekends of jobs that don't run on them: a Monday is no alarm, and a Monday on which nothing works is one."""

from datetime import timedelta

import pytest

from tests.alerts.replay import replay
from tests.alerts.week import SECOND_MONDAY, STEP, minute, week

NOON = minute(SECOND_MONDAY + timedelta(hours=12))
TUESDAY_NOON = NOON + 24 * 60


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> dict[int, set[tuple[str, str]]]:
    """What fired before the second Monday, from which on every run fails, and until noon on it and on Tuesday."""
    broken = minute(SECOND_MONDAY)
    asked = {broken: broken, NOON: NOON - broken, TUESDAY_NOON: TUESDAY_NOON - broken}
    return replay(tmp_path_factory.mktemp("week") / "week.yml", week(SECOND_MONDAY), STEP, asked)


def test_a_slow_or_a_single_failed_run_after_a_weekend_is_no_alarm(fired: dict[int, set[tuple[str, str]]]) -> None:
    assert fired[minute(SECOND_MONDAY)] == set()


def test_several_ticks_without_success_are_told_on_the_same_morning(fired: dict[int, set[tuple[str, str]]]) -> None:
    often = {f"{how}hourly on weekdays" for how in ("", "half-", "quarter-")}
    never = {about for name, about in fired[NOON] if name == "JobQueueScheduleNeverSucceeds"}

    assert never == {*often, "Mondays"}  # of which this is the second that fails
    assert {about for name, about in fired[NOON] if name == "JobQueueScheduledJobFailing"} == often


def test_the_second_failed_day_is_told(fired: dict[int, set[tuple[str, str]]]) -> None:
    told = {about for name, about in fired[TUESDAY_NOON] if name == "JobQueueScheduleNeverSucceeds"}

    assert {"every day", "every night", "weekdays"} <= told
    assert "twice a week" not in told
