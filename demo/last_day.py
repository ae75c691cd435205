"""What Prometheus would remember of the last day, so that charts aren't empty when the demo begins."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import psycopg
from psycopg.rows import class_row, dict_row, scalar_row

from demo.ports import Ports
from demo.series import Day, Series
from demo.simulation import PastJob
from jobqueue import catalogue as metrics
from jobqueue.sql import load

_QUERIES = load("demo", "last_day.sql")
_STEP_OF_HISTOGRAMS = 4
"""Minutes; they are asked for an hour at a time."""
_IDLE = 2
"""For so many minutes the workers have run nothing: what they ran before would seem to be at work still."""
_HERE_WITHIN = 5.0


def write(address: str, promtool: Path, directory: Path, ports: Ports) -> None:
    """Give Prometheus, whose data is in *directory*, the series of the jobs that ended in the queue's last day."""
    with psycopg.connect(address, autocommit=True) as conn:
        now: datetime = conn.cursor(row_factory=scalar_row).execute(_QUERIES["now"]).fetchall()[0]
        jobs = conn.cursor(row_factory=class_row(PastJob)).execute(_QUERIES["jobs"]).fetchall()
        workers = _workers(conn, {_machine(job.worker_id) for job in jobs if job.worker_id})
    day, jobs = remembered(now - timedelta(days=1), jobs, workers)
    file = directory.with_suffix(".openmetrics")
    with file.open("w", encoding="utf-8") as page:
        for series in day.series(jobs):
            end = -_IDLE if series.metric is metrics.WORKER_CURRENT_START else None
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


def remembered(
    begin: datetime, jobs: Sequence[PastJob], workers: Mapping[str, Mapping[str, str]]
) -> tuple[Day, list[PastJob]]:
    """The day from *begin* as if *workers* had always been those of today: who is gone would be a ghost in charts."""
    heirs = {_machine(worker): worker for worker in workers}
    inherited = [replace(job, worker_id=job.worker_id and heirs.get(_machine(job.worker_id))) for job in jobs]
    return Day(begin, begin.timestamp(), sorted(heirs.values()), workers), inherited


def _workers(conn: psycopg.Connection, machines: set[str]) -> Mapping[str, Mapping[str, str]]:
    """Who runs jobs now, as soon as there is somebody on each of *machines*, which start just now; or who came."""
    deadline = monotonic() + _HERE_WITHIN
    while True:
        rows = conn.cursor(row_factory=dict_row).execute(_QUERIES["workers"]).fetchall()
        if machines <= {_machine(row["id"]) for row in rows} or monotonic() > deadline:
            return {row.pop("id"): row for row in rows}
        sleep(0.2)


def _machine(worker: str) -> str:
    return worker.rpartition("-")[0]


def _lines(series: Series, zero: float, minutes: slice, port: int) -> Iterator[str]:
    labels = {**series.labels, "job": "system-status", "instance": f"127.0.0.1:{port}"}
    text = ",".join(f'{name}="{value}"' for name, value in labels.items())
    name = f"{series.metric.name}{series.suffix}{{{text}}}"
    for minute, value in list(enumerate(series.values))[minutes]:
        if value is not None:
            yield f"{name} {float(value)!r} {zero + 60 * minute:.3f}\n"
