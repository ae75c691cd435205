"""A day of the demo's normal operation, through all rules: nobody is woken for nothing."""

import pytest

from demo.series import MINUTES
from demo.simulation import OUTAGE
from tests.alerts.day import day
from tests.alerts.replay import replay

DESERVED = {"JobQueueNoWorkersOnline", "JobQueueReadyAgeHigh", "JobQueueJobsDropped", "JobQueueWorkerOffline"}
STEP = 2
"""Minutes between two evaluations: half of them in half of the time."""
SETTLED = OUTAGE.stop + 25
"""When what was late is done, what was dropped is no longer news, and an alert no longer goes on for safety's sake."""


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> dict[int, set[tuple[str, str]]]:
    """What fired up to the minutes asked for."""
    asked = {OUTAGE.start: OUTAGE.start, SETTLED: SETTLED - OUTAGE.start, MINUTES: MINUTES - SETTLED}
    series = ((name, values[::STEP]) for name, values in day())
    return replay(tmp_path_factory.mktemp("day") / "day.yml", series, STEP, asked)


def test_nothing_fires_before_the_workers_are_gone(fired: dict[int, set[tuple[str, str]]]) -> None:
    assert fired[OUTAGE.start] == set()


def test_seven_minutes_without_workers_are_told(fired: dict[int, set[tuple[str, str]]]) -> None:
    names = {name for name, _ in fired[SETTLED]}

    assert {"JobQueueNoWorkersOnline", "JobQueueJobsDropped"} <= names <= DESERVED


def test_nothing_fires_when_they_are_back(fired: dict[int, set[tuple[str, str]]]) -> None:
    assert fired[MINUTES] == set()
