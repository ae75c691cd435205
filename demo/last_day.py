"""What Prometheus would remember of the last day, so that charts aren't empty when the demo begins."""

import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from psycopg.rows import class_row, scalar_row

from demo.ports import Ports
from demo.series import Day, Series
from demo.simulation import PastJob
from jobqueue.sql import load

_QUERIES = load("demo", "last_day.sql")
_STEP_OF_HISTOGRAMS = 4
"""Minutes; they are asked for an hour at a time."""
_GONE = 2
"""For so many minutes the past's workers are gone, when Prometheus no longer sees them."""


def write(address: str, promtool: Path, directory: Path, ports: Ports) -> None:
    """Give Prometheus, whose data is in *directory*, the series of the jobs that ended in the queue's last day."""
    with psycopg.connect(address) as conn:
        now: datetime = conn.cursor(row_factory=scalar_row).execute(_QUERIES["now"]).fetchall()[0]
        jobs = conn.cursor(row_factory=class_row(PastJob)).execute(_QUERIES["jobs"]).fetchall()
    begin = now - timedelta(days=1)
    day = Day(begin, begin.timestamp(), sorted({job.worker_id for job in jobs if job.worker_id}))
    file = directory.with_suffix(".openmetrics")
    with file.open("w", encoding="utf-8") as page:
        for series in day.series(jobs):
            end = -_GONE if "worker" in series.labels else None
            page.writelines(_lines(series, day.zero, slice(None, end), ports.exporter))
        for series in day.histograms(jobs):
            page.writelines(_lines(series, day.zero, slice(None, None, _STEP_OF_HISTOGRAMS), ports.exporter))
        page.write("# EOF\n")
    directory.mkdir(exist_ok=True)
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", file, directory],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    file.unlink()


def _lines(series: Series, zero: float, minutes: slice, port: int) -> Iterator[str]:
    labels = {**series.labels, "job": "system-status", "instance": f"127.0.0.1:{port}"}
    text = ",".join(f'{name}="{value}"' for name, value in labels.items())
    name = f"{series.metric.name}{series.suffix}{{{text}}}"
    for minute, value in list(enumerate(series.values))[minutes]:
        if value is not None:
            yield f"{name} {float(value)!r} {zero + 60 * minute:.3f}\n"
