"""What Prometheus would remember of a week ago, so that durations have something to be compared with."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg.rows import DictRow, dict_row

from jobqueue.sql import load

_QUERIES = load("demo", "last_week.sql")
_WEEK, _DAY = timedelta(weeks=1), timedelta(days=1)
_STEP = timedelta(minutes=1)
_SERIES = {
    "p95": "source_job_type:jobqueue_run_duration_seconds:p95_rate1h",
    "mean": "source_job_type:jobqueue_run_duration_seconds:mean_rate1h",
    "runs": "source_job_type:jobqueue_runs:increase1h",
}


def write(address: str, promtool: Path, directory: Path, speed: float, alert_speed: float) -> None:
    """Give Prometheus, whose data is in *directory*, the recorded series of a week ago, as the queue's last day was.

    With *alert_speed* 60, a week ago is 168 minutes ago, and an hour's runs are a minute's; with *speed* 60 runs take
    a sixtieth of what they took. What is written ends ten minutes ago at the latest.
    """
    with psycopg.connect(address, row_factory=dict_row) as conn:
        day = conn.execute(_QUERIES["day"], {"speed": speed, "alert_speed": alert_speed}).fetchall()
    file = directory.with_suffix(".openmetrics")
    file.write_text("\n".join(_page(day, datetime.now(UTC), alert_speed)) + "\n", "utf-8")
    directory.mkdir()
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", file, directory],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    file.unlink()


def _page(day: list[DictRow], now: datetime, alert_speed: float) -> Iterator[str]:
    begin = now - (_WEEK + timedelta(hours=1)) / alert_speed
    end = min(now - _WEEK / alert_speed + _DAY, now - timedelta(minutes=10))
    for column, name in _SERIES.items():
        yield f"# TYPE {name} gauge"
        for row in day:
            moment = begin
            while moment < end:
                yield f'{name}{{source="main",job_type="{row["job_type"]}"}} {row[column]} {moment.timestamp():.3f}'
                moment += _STEP
    yield "# EOF"
