"""Troubles of recurring jobs, as the product's own timetable shows them: what fails, doesn't come, or is dropped."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from demo.series import Value
from exporter.source import GRACE_SECONDS
from jobqueue import catalogue as metrics
from jobqueue.catalogue import Metric
from jobqueue.rows import ScheduleRow
from jobqueue.schedules import Ends, Timetable, Unsuccessful, parse
from tests.alerts.scene import About, Scene, Trouble

BEGIN = datetime(2026, 3, 25, 3, tzinfo=UTC)
"""A Wednesday; on the first Sunday summer time begins."""
DAYS = 30, 10 * 24 * 2
"""The step in minutes, and how many of them, of what comes every few hours or days."""
ZONE = "Europe/Berlin"
_GRACE = timedelta(seconds=15 + GRACE_SECONDS)
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_FAILS, _MISSED, _DROPPED, _UNPARSABLE, _NOW_AND_THEN = "fails", "missed", "dropped", "unparsable", "fails now and then"
_KINDS = (_FAILS, _MISSED, _DROPPED, _UNPARSABLE, _NOW_AND_THEN)
_BUDGETS = ("JobQueueFailureBudgetBurn", "JobQueueFailureRateHigh")


@dataclass(frozen=True, slots=True)
class _Often:
    """A schedule, how long its runs take, and how long its jobs wait until they are dropped."""

    name: str
    cron: str
    took: timedelta
    expires: timedelta
    broken: tuple[timedelta, timedelta]
    """From when until when, since the beginning."""


@dataclass(frozen=True, slots=True)
class _Run:
    tick: datetime
    end: datetime
    outcome: str = "completed"


def hours() -> Iterator[Scene]:
    """What comes every few minutes."""
    broken = _HOUR, 4.4 * _HOUR
    often = [
        _Often("every minute", "* * * * *", 0.4 * _MINUTE, 3 * _MINUTE, broken),
        _Often("every 15 minutes", "*/15 * * * *", 3 * _MINUTE, 10 * _MINUTE, broken),
    ]
    yield from _scenes(1, 5 * 60, often)


def days() -> Iterator[Scene]:
    """What comes every few hours or days, over a weekend."""
    often = [
        _Often("every 3 hours", "0 */3 * * *", 10 * _MINUTE, 20 * _MINUTE, (2 * _DAY, 5.1 * _DAY)),
        _Often("daily", "30 2 * * *", 40 * _MINUTE, _HOUR, (2 * _DAY, 7.3 * _DAY)),
        _Often("weekdays", "0 9 * * 1-5", 40 * _MINUTE, _HOUR, (1 * _DAY, 7 * _DAY)),
        _Often("business hours", "*/15 9-16 * * 1-5", 5 * _MINUTE, 25 * _MINUTE, (1.5 * _DAY, 6.3 * _DAY)),
    ]
    yield from _scenes(*DAYS, often, (_FAILS, _MISSED, _UNPARSABLE, _NOW_AND_THEN))


def drops() -> Iterator[Scene]:
    """Dropped jobs, looked at so often that an alert sees its own state, and until a night is over."""
    broken = 0.1 * _DAY, 1.05 * _DAY
    often = [
        _Often("every 3 hours", "0 */3 * * *", 10 * _MINUTE, 20 * _MINUTE, broken),
        _Often("hourly", "0 * * * *", 10 * _MINUTE, 20 * _MINUTE, broken),
        _Often("weekdays", "0 9 * * 1-5", 40 * _MINUTE, _HOUR, broken),
        _Often("business hours", "*/15 9-16 * * 1-5", 5 * _MINUTE, 25 * _MINUTE, broken),
    ]
    yield from _scenes(4, 32 * 15, often, (_DROPPED,))


def months() -> Iterator[Scene]:
    """What comes every few weeks, looked at once a day: too seldom for an alert about a window of an hour."""
    often = [
        _Often("weekly", "0 9 * * 1", 40 * _MINUTE, _HOUR, (30 * _DAY, 65 * _DAY)),
        _Often("monthly", "0 4 1 * *", 40 * _MINUTE, _HOUR, (30 * _DAY, 104 * _DAY)),
        _Often("first Monday", "0 7 * * 1#1", 40 * _MINUTE, _HOUR, (30 * _DAY, 104 * _DAY)),
    ]
    yield from _scenes(1440, 135, often, (_FAILS, _MISSED))


def _scenes(step: int, steps: int, schedules: Sequence[_Often], kinds: Sequence[str] = _KINDS) -> Iterator[Scene]:
    for number, kind in enumerate(kinds):
        scene = Scene(f"{step} min {kind}", step, steps)
        scene.show(metrics.UP, lambda _: 1)
        scene.disturb(Random(f"{step} {kind}"), "ab" if number % 3 == 2 else "a")
        for often in schedules[:: len(schedules) - 1] if kind in (_UNPARSABLE, _NOW_AND_THEN) else schedules:
            _happens(scene, kind, often)
        yield scene


def _happens(scene: Scene, kind: str, often: _Often) -> None:
    cron = parse(often.cron, ZONE)
    begin, until = BEGIN + often.broken[0], BEGIN + often.broken[1]
    end = BEGIN + scene.steps * scene.step * _MINUTE
    ticks = cron.ticks_between(BEGIN - (40 if scene.step > 60 else 8) * _DAY, end, limit=10**6)
    runs = [_Run(tick, tick + often.took) for tick in ticks]
    bad = [number for number, run in enumerate(runs) if begin <= run.tick < until]
    for count, number in enumerate(bad):
        runs[number] = _gone_wrong(kind, often, runs[number], count, len(bad))
    unread = range(0)
    if kind == _UNPARSABLE:
        unread = range(_minute(begin), _minute(until))
        scene.told[About("JobQueueScheduleUnparsable", "warning", often.name)] = Trouble(unread.start, unread.stop)
    _tell(scene, kind, often.name, [runs[number] for number in bad], runs[bad[-1] + 1 :])
    _show(scene, often, runs, unread)


def _gone_wrong(kind: str, often: _Often, run: _Run, count: int, of: int) -> _Run:
    if kind == _FAILS or (kind == _NOW_AND_THEN and (not count or (count > of / 2 and count % 2))):
        return replace(run, outcome="failed")
    if kind == _MISSED:
        return replace(run, outcome="missed")
    return replace(run, end=run.tick + often.expires, outcome="cancelled") if kind == _DROPPED else run


def _tell(scene: Scene, kind: str, name: str, bad: Sequence[_Run], good: Sequence[_Run]) -> None:
    """What must fire, and what may."""
    begin, success = _minute(bad[0].tick), _minute(good[0].end)
    whole = Trouble(begin, success)
    frequent = len(bad) > 1 and bad[1].tick - bad[0].tick < _HOUR
    if kind in (_FAILS, _NOW_AND_THEN) and frequent:
        scene.also |= dict.fromkeys(_BUDGETS, whole)
    if kind == _FAILS and len(bad) > 2:
        scene.told[About("JobQueueScheduledJobFailing", "warning", name)] = Trouble(_minute(bad[2].end), success)
    if kind in (_FAILS, _MISSED, _DROPPED) and len(bad) > 1:
        scene.told[About("JobQueueScheduleNeverSucceeds", "critical", name)] = Trouble(_minute(bad[1].tick), success)
    if kind == _MISSED:
        scene.told[About("JobQueueTickMissed", "warning", name)] = Trouble(begin, _minute(good[0].tick))
        if len(bad) > 2:
            scene.told[About("JobQueueTickMissed", "critical", name)] = Trouble(
                _minute(bad[2].tick), _minute(good[0].tick)
            )
    if kind == _DROPPED and scene.step < 60:
        last = _minute(bad[-1].end)
        scene.told[About("JobQueueJobsDropped", "warning", name)] = Trouble(begin, max(last, success))


def _minute(moment: datetime) -> int:
    return (moment - BEGIN) // _MINUTE


def _show(scene: Scene, often: _Often, runs: Sequence[_Run], unread: range) -> None:
    """A schedule and its runs, as a process of the exporter has them, and after a restart the next one."""
    shown: dict[Metric, list[Value]] = defaultdict(list)
    ends, counts = Ends(BEGIN, None, None), Counter[str]()
    ahead = sorted((run for run in runs if run.outcome != "missed"), key=lambda run: run.end, reverse=True)
    ticks = [run.tick for run in runs if run.outcome != "missed"]
    timetable = Timetable(_GRACE)
    for step in range(scene.steps):
        moment = BEGIN + step * scene.step * _MINUTE
        if step in scene.restarts:
            known, timetable = timetable.standings, Timetable(_GRACE)
            timetable.recall(known)
        while ahead and ahead[-1].end <= moment:
            run = ahead.pop()
            counts[run.outcome] += 1
            ends = _ends(ends, run)
        cron = "never" if _minute(moment) in unread else often.cron
        newest = ticks[bisect_right(ticks, moment) - 1]
        row = ScheduleRow(often.name, "", cron, ZONE, 0, None, enabled=True, last_enqueued_at=newest)
        [schedule] = timetable.look([row], moment, {often.name: ends})
        unsuccessful = schedule.unsuccessful or Unsuccessful(None, None, 0)
        values: dict[Metric, Value] = {
            metrics.SCHEDULE_ENABLED: 1,
            metrics.SCHEDULE_VALID: schedule.valid,
            metrics.SCHEDULE_NEXT: _at(schedule.next_run),
            metrics.SCHEDULE_EXPECTED: _at(schedule.expected_run),
            metrics.SCHEDULE_MISSED: schedule.missed_ticks,
            metrics.SCHEDULE_FAILED: unsuccessful.failed_ticks if schedule.unsuccessful else None,
            metrics.SCHEDULE_UNSUCCESSFUL: unsuccessful.ticks,
            metrics.SCHEDULE_UNSUCCESSFUL_SINCE: _at(unsuccessful.since),
            metrics.LAST_RUN: _at(ends.last_run_at),
            metrics.LAST_SUCCESS: _at(ends.last_success_at),
            metrics.RUNS: counts["completed"] + counts["failed"],
            metrics.RUN_FAILURES: counts["failed"],
            metrics.CANCELLED: counts["cancelled"],
        }
        for metric, value in values.items():
            shown[metric].append(value)
    for metric, of_all in shown.items():
        scene.show_steps(metric, of_all, job_type=often.name)


def _ends(before: Ends, run: _Run) -> Ends:
    if run.outcome == "failed":
        return Ends(run.end, before.last_success_at, before.failing_since or run.end)
    return Ends(run.end, run.end, None) if run.outcome == "completed" else before


def _at(moment: datetime | None) -> Value:
    return None if moment is None else (moment - BEGIN).total_seconds()
