"""Recurring jobs over two weekends as the series that the exporter shows of them, every quarter of an hour."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from demo.series import Value
from jobqueue import catalogue as metrics
from jobqueue.catalogue import Metric
from jobqueue.schedules import Ends, parse
from jobqueue.schedules.success import SuccessWatch

STEP = 15
BEGIN = datetime(2026, 3, 25, tzinfo=UTC)
"""A Wednesday; on the first Sunday summer time begins."""
FIRST_MONDAY, SECOND_MONDAY = BEGIN + timedelta(days=5), BEGIN + timedelta(days=12)
END = BEGIN + timedelta(days=14)
QUICK, SLOW = timedelta(minutes=5), timedelta(minutes=45)
TIMEZONE = "Europe/Berlin"
SCHEDULES = {
    "every day": ("0 9 * * *", SLOW),
    "every night": ("30 2 * * *", SLOW),
    "weekdays": ("0 9 * * 1-5", SLOW),
    "twice a week": ("0 9 * * 1,3", SLOW),
    "Mondays": ("0 9 * * 1", SLOW),
    "hourly on weekdays": ("0 9-16 * * 1-5", QUICK),
    "half-hourly on weekdays": ("*/30 9-16 * * 1-5", QUICK),
    "quarter-hourly on weekdays": ("*/15 9-16 * * 1-5", QUICK),
}
"""When they run, and how long they take."""


@dataclass(frozen=True, slots=True)
class _Run:
    end: datetime
    success: bool


def week(broken_since: datetime) -> Iterator[tuple[str, Sequence[Value]]]:
    """The first run of the first Monday fails, and all that begin from *broken_since* on."""
    moments = [BEGIN + STEP * timedelta(minutes=number) for number in range((END - BEGIN) // timedelta(minutes=STEP))]
    yield 'jobqueue_up{source="main",instance="a"}', [1] * len(moments)
    for name, (cron, took) in SCHEDULES.items():
        timetable = parse(cron, TIMEZONE)
        ticks = timetable.ticks_between(BEGIN - timedelta(days=8), END, limit=10_000)
        bad = next(tick for tick in ticks if tick >= FIRST_MONDAY)
        runs = [_Run(tick + took, tick != bad and tick < broken_since) for tick in ticks]
        ended = [[run for run in runs if run.end <= moment] for moment in moments]
        yield _series(metrics.SCHEDULE_ENABLED, name), [1] * len(moments)
        yield _series(metrics.SCHEDULE_EXPECTED, name), [_at(timetable.last_at_or_before(moment)) for moment in moments]
        yield _series(metrics.SCHEDULE_NEXT, name), [_at(timetable.next_after(moment)) for moment in moments]
        yield _series(metrics.LAST_RUN, name), [_at(past[-1].end) for past in ended]
        yield (
            _series(metrics.LAST_SUCCESS, name),
            [_at([run for run in past if run.success][-1].end) for past in ended],
        )
        watch = SuccessWatch(timetable)
        stands = [watch.look(_ends(past), ticks[0], moment) for moment, past in zip(moments, ended, strict=True)]
        yield _series(metrics.SCHEDULE_UNSUCCESSFUL, name), [stand.ticks for stand in stands]
        yield _series(metrics.SCHEDULE_UNSUCCESSFUL_SINCE, name), [_at(stand.since) for stand in stands]
        yield _series(metrics.SCHEDULE_FAILED, name), [stand.failed_ticks for stand in stands]


def _ends(past: Sequence[_Run]) -> Ends:
    success = [run.end for run in past if run.success][-1]
    failing = [run.end for run in past if run.end > success]
    return Ends(past[-1].end, success, failing[0] if failing else None)


def minute(moment: datetime) -> int:
    return (moment - BEGIN) // timedelta(minutes=1)


def _series(metric: Metric, job_type: str) -> str:
    return f'{metric.name}{{source="main",job_type="{job_type}",instance="a"}}'


def _at(moment: datetime | None) -> Value:
    return None if moment is None else (moment - BEGIN).total_seconds()
