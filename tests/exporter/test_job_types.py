"""Places under ``job_type_limit``: who has one, who gives it away, and who is left out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from exporter.collectors.runs import RunsCollector
from exporter.counting.runs import Runs
from exporter.job_types import KEPT_SECONDS, JobTypes
from jobqueue import catalogue as metrics
from jobqueue.bounds import JOB_TYPES_BESIDE, LABEL_BYTES, OTHER
from tests.exporter.rows import ago, finish, job, put
from tests.exporter.scrape import Exporter, Watch, source

ROOT = Path(__file__).parents[2]
HOUR = 3600.0


class Clock:
    """What ``monotonic`` says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def pass_by(self, seconds: float, job_types: JobTypes | None = None) -> None:
        """So much time; with *job_types*, somebody reads all the while."""
        end = self.now + seconds
        while job_types and self.now < end:
            self.now = min(self.now + HOUR, end)
            _ = job_types.folded
        self.now = end


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("exporter.job_types.monotonic", lambda: clock.now)
    return clock


def test_a_type_that_nobody_has_found_for_26_hours_gives_its_place_to_one_that_needs_it(clock: Clock) -> None:
    job_types = JobTypes(2)
    gone: list[str] = []
    job_types.gave_up.append(gone.append)
    assert [job_types.label(name) for name in ("dead", "alive", "new")] == ["dead", "alive", OTHER]
    clock.pass_by(KEPT_SECONDS - 1, job_types)
    assert [job_types.label(name) for name in ("alive", "new")] == ["alive", OTHER]
    clock.pass_by(2)

    assert [job_types.label(name) for name in ("alive", "new", "dead")] == ["alive", "new", OTHER]
    assert gone == ["dead"]
    assert set(job_types.room.known) == {"alive", "new"}


def test_the_one_not_found_for_longest_gives_its_place_first_and_only_as_many_as_are_needed(clock: Clock) -> None:
    job_types = JobTypes(3)
    for name in ("second", "first", "third"):
        job_types.label(name)
    for name in ("first", "second", "third"):
        clock.pass_by(60)
        job_types.label(name)
    clock.pass_by(KEPT_SECONDS + 1, job_types)

    assert job_types.label("new") == "new"
    assert set(job_types.room.known) == {"second", "third", "new"}


def test_nobody_gives_a_place_away_that_nobody_needs(clock: Clock) -> None:
    job_types = JobTypes(2)
    job_types.label("weekly")
    clock.pass_by(10 * KEPT_SECONDS, job_types)

    assert job_types.label("other") == "other"
    assert job_types.has_place("weekly")


def test_what_a_collector_shows_keeps_its_place_also_while_its_reads_fail(clock: Clock) -> None:
    job_types = JobTypes(1)
    job_types.label("held")
    job_types.see("finished", {"held"})
    clock.pass_by(2 * KEPT_SECONDS, job_types)
    assert job_types.label("new") == OTHER

    job_types.see("finished", set())
    clock.pass_by(KEPT_SECONDS + 1, job_types)
    assert job_types.label("new") == "new"


def test_counters_since_the_start_keep_no_place_and_what_runs_does(clock: Clock) -> None:
    job_types = JobTypes(1)
    job_types.label_again("ran")
    for _ in range(3):
        clock.pass_by(KEPT_SECONDS - 1, job_types)
        job_types.add([(0, "ran", Runs(runs=1))])
        assert job_types.label("new") == OTHER
    job_types.see("runs", {"ran"})
    clock.pass_by(KEPT_SECONDS + 1, job_types)
    job_types.see("runs", {"ran"})

    assert job_types.label("new") == "new"


def test_runs_that_leave_the_day_keep_no_place(clock: Clock) -> None:
    job_types = JobTypes(1)
    job_types.label("ran")
    clock.pass_by(24 * HOUR, job_types)
    assert job_types.label_again("ran") == "ran"
    clock.pass_by(2 * HOUR + 1, job_types)

    assert job_types.label("new") == "new"


def test_an_outage_is_no_absence(clock: Clock) -> None:
    job_types = JobTypes(1)
    job_types.label("alive")
    clock.pass_by(10 * KEPT_SECONDS)

    assert job_types.label("new") == OTHER
    assert job_types.label("alive") == "alive"


def test_a_type_of_old_runs_has_its_place_until_another_needs_it() -> None:
    job_types = JobTypes(2)
    for name in ("old", "older", "oldest", OTHER):
        job_types.try_place(name)
    assert set(job_types.room.known) == {"old", "older"}

    assert [job_types.label(name) for name in ("older", "new", "newer")] == ["older", "new", OTHER]
    assert job_types.folded == 1


def test_a_folded_type_that_has_a_place_on_trial_is_no_longer_folded(clock: Clock) -> None:
    job_types = JobTypes(2)
    room = LABEL_BYTES * JOB_TYPES_BESIDE
    dead, folded = "x" * room, "y" * (room - 1)
    job_types.label(dead)
    clock.pass_by(KEPT_SECONDS - 1, job_types)
    assert job_types.label(folded) == OTHER
    clock.pass_by(2, job_types)
    job_types.label("z")
    assert job_types.folded == 1

    job_types.try_place(folded)

    assert job_types.folded == 0


def test_a_place_gives_its_bytes_back(clock: Clock) -> None:
    job_types = JobTypes(10)
    room = LABEL_BYTES * JOB_TYPES_BESIDE
    long, longer = "x" * (room - 10), "y" * room
    assert job_types.label(long) == long
    for _ in range(5):
        assert job_types.label(longer) == OTHER
    assert job_types.label("z" * 10) == "z" * 10
    clock.pass_by(KEPT_SECONDS + 1, job_types)

    assert job_types.label(longer) == longer


def test_folded_are_those_that_were_found_within_26_hours(clock: Clock) -> None:
    job_types = JobTypes(1)
    for name in ("first", "a", "b", "a"):
        job_types.label(name)
    assert job_types.folded == 2
    clock.pass_by(KEPT_SECONDS - 1, job_types)
    for name in ("first", "b"):
        job_types.label(name)
    job_types.label_again("a")
    clock.pass_by(2)
    assert job_types.folded == 1
    job_types.see("live", (), [5])
    assert job_types.folded == 6
    job_types.see("live", ())
    clock.pass_by(KEPT_SECONDS, job_types)

    assert job_types.folded == 0


def test_a_type_that_gets_a_place_is_no_longer_folded(clock: Clock) -> None:
    job_types = JobTypes(1)
    for name in ("dead", "new"):
        job_types.label(name)
    clock.pass_by(KEPT_SECONDS + 1, job_types)
    job_types.label("new")

    assert job_types.folded == 0


def test_ids_in_job_types_fill_no_memory() -> None:
    job_types = JobTypes(2)
    for number in range(1000):
        job_types.label(f"job.{number}")

    assert job_types.folded == 200


async def test_a_folded_type_that_gets_a_place_begins_at_0_and_its_past_stays_where_it_was(
    queue: AsyncConnection, migrated: str, watch: Watch, clock: Clock
) -> None:
    exporter = watch(source(migrated, job_type_limit=1, settle=600.0))
    await exporter.poll()
    await finish(queue, [job("first") for _ in range(3)])
    await exporter.poll()
    await finish(queue, [job("second")])
    assert (await exporter.poll()).by("job_type", metrics.RUNS) == {"first": 3, OTHER: 1}

    await _days_pass(queue, exporter, clock)
    await finish(queue, [job("second", finished=120), job("second", finished=120)])
    page = await exporter.poll(rounds=2)
    for series in (metrics.RUNS, metrics.RUN_DURATION.name + "_count", metrics.RUN_WAIT.name + "_count"):
        assert page.by("job_type", series) == {"second": 2, OTHER: 1}
    assert page.value(metrics.FOLDED, kind="job_types") == 0

    await _days_pass(queue, exporter, clock)
    await finish(queue, [job("first", finished=240)])
    page = await exporter.poll(rounds=2)
    assert page.by("job_type", metrics.RUNS) == {"first": 1, OTHER: 1}
    assert page.value(metrics.FOLDED, kind="job_types") == 0


async def _days_pass(queue: AsyncConnection, exporter: Exporter, clock: Clock) -> None:
    """Everything is gone, and from the day, too, whose clock is the database's."""
    await queue.execute("DELETE FROM ascent.jobs")
    [runs] = [poller.collector for poller in exporter.monitors[0].pollers if poller.name == "runs"]
    assert isinstance(runs, RunsCollector)
    runs._tally.day.types.clear()
    for _ in range(28):
        clock.pass_by(HOUR)
        await exporter.poll()


async def test_types_that_ran_long_ago_leave_the_places_after_a_restart_to_those_that_live(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await finish(queue, [job("lives")])
    await watch(source(migrated)).poll()
    await queue.execute("DELETE FROM ascent.jobs")
    await put(queue, "jobs", job_type="waits", run_after=ago(-60))
    long_ago = datetime.now(UTC) - timedelta(days=9)
    await queue.execute(
        "INSERT INTO system_status.run_minutes SELECT (jsonb_populate_record(run_minutes, jsonb_build_object("
        "'job_type', name, 'minute', date_trunc('minute', %s::timestamptz), 'last_run_at', %s::timestamptz,"
        " 'last_success_at', %s::timestamptz))).* FROM system_status.run_minutes, unnest(%s::text[]) AS name",
        [long_ago, long_ago, long_ago, ["a.gone", "b.gone", "z.gone"]],
    )

    page = await watch(source(migrated, job_type_limit=2)).poll(rounds=2)

    assert page.by("job_type", metrics.DAY_RUNS) == {"lives": 1, "waits": 0}
    assert page.value(metrics.FOLDED, kind="job_types") == 0


async def test_figures_of_a_day_are_added_up_under_the_common_label(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await finish(
        queue,
        [
            *(job("many", duration=2.0, finished=40) for _ in range(3)),
            job("few", "failed", 8.0, finished=50),
            job("fewer", duration=4.0, finished=90),
        ],
    )
    await watch(source(migrated)).poll()

    page = await watch(source(migrated, job_type_limit=1)).poll(rounds=2)

    [own] = page.by("job_type", metrics.DAY_RUNS).keys() - {OTHER}
    assert own in ("many", "few", "fewer")
    expected = {"many": (3, 0, 2.0), "few": (1, 1, 8.0), "fewer": (1, 0, 4.0)}
    rest = [figures for name, figures in expected.items() if name != own]
    figures = [page.value(metric, job_type=OTHER) for metric in (metrics.DAY_RUNS, metrics.DAY_FAILURES)]
    assert figures == [sum(runs for runs, _, _ in rest), sum(failures for _, failures, _ in rest)]
    assert page.value(metrics.DAY_MAX, job_type=OTHER) == max(longest for _, _, longest in rest)


def test_the_time_is_the_documented_one() -> None:
    assert f"once that is {KEPT_SECONDS / 3600:.0f} hours ago" in (ROOT / "docs/scale.md").read_text()
    assert f"folded for {KEPT_SECONDS / 3600:.0f} hours" in (ROOT / "docs/alerts.md").read_text()
