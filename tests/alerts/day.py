"""A day of the demo as the series that two replicas of the exporter would have shown, minute by minute."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from demo.series import Day, Series, Value
from demo.simulation import simulate
from jobqueue import catalogue as metrics

END = datetime(2026, 3, 4, tzinfo=UTC)
DAY = Day(END - timedelta(days=1), zero=0, workers=["app-2-x", "worker-1-x", "worker-2-x", "worker-3-x"])
SERVER = {"source": "main", "worker": "app-1-x", "hostname": "app-1", "pid": "1", "mode": "server", "version": "4.12.0"}
RESTART = range(12 * 60, 12 * 60 + 3)
"""The minutes in which one replica is gone; its counters begin anew."""


def day() -> Iterator[tuple[str, Sequence[Value]]]:
    """Every series with a value for each minute; None where it is absent. Time begins at 0."""
    for series in (*DAY.series(simulate(END, DAY.workers, Random(24))), _server()):
        yield _name(series, "a"), series.values
        yield _name(series, "b"), list(_restarted(series))


def _server() -> Series:
    return Series(metrics.WORKER_INFO, SERVER, [1] * (24 * 60 + 1))


def _name(series: Series, instance: str) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in {"instance": instance, **series.labels}.items())
    return f"{series.metric.name}{{{labels}}}"


def _restarted(series: Series) -> Iterator[Value]:
    counts = series.metric.kind is metrics.Kind.COUNTER and "worker" not in series.labels
    before = series.values[RESTART.stop - 1] or 0
    for minute, value in enumerate(series.values):
        if minute in RESTART:
            yield None
        else:
            yield value - before if counts and value is not None and minute >= RESTART.stop else value
