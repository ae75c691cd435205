"""Fills the Ascent tables with a week of jobs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import psycopg
from pydantic import SecretStr

from jobqueue.config import Source
from jobqueue.sql import load
from jobqueue.tables.migrate import migrate

_SCHEMA = Path(__file__).parents[1] / "jobqueue/engines/ascent/schema.sql"
_WEEK = timedelta(days=7)
_LIVE_PART = 0.05
_ACTIVE = 200
_SKEW = 0.9
"""The k-th job type has a share of the jobs like 1 / k ** 0.9: of fifty the first has a fifth."""


def generate(url: str, rows: int, job_types: Sequence[str]) -> None:
    """Make the Ascent tables and ours, and put *rows* jobs into them, the newest of which finished just now.

    Analyzed and vacuumed, but for the jobs that finished while this was done.
    """
    queries = load("bench", "generate.sql")
    live = round(rows * _LIVE_PART)
    finished = rows - live
    draw = {"job_types": list(job_types), "thresholds": _thresholds(len(job_types))}
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(_SCHEMA.read_bytes())
        indexes = conn.execute(queries["indexes"]).fetchall()
        for name, _ in indexes:
            conn.execute(load("bench", "generate.sql", index=name)["drop_index"])
        began = datetime.now(UTC)
        conn.execute(queries["finished"], {**draw, "rows": finished, "since": began - _WEEK, "until": began})
        conn.execute(queries["live"], {**draw, "rows": live, "active": min(_ACTIVE, live // 10)})
        for _, definition in indexes:
            conn.execute(definition.encode())
        conn.execute("VACUUM ANALYZE")
        ended = datetime.now(UTC)
        meanwhile = round(finished * ((ended - began) / _WEEK)) + 1
        conn.execute(queries["finished"], {**draw, "rows": meanwhile, "since": began, "until": ended})
    migrate([Source(name="main", dsn=SecretStr(url))], lambda line: None)


def add_workers(url: str, workers: int, job_types: Sequence[str]) -> None:
    """Put in *workers* that are online and run something, and an hourly schedule for each job type."""
    queries = load("bench", "generate.sql")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(queries["workers"], {"workers": workers, "job_types": list(job_types)})
        conn.execute(queries["schedules"], {"job_types": list(job_types)})


def names(number: int, prefix: str = "job") -> list[str]:
    """So many names of job types."""
    return [f"{prefix}-{place:03}" for place in range(1, number + 1)]


def finishing_per_second(rows: int) -> float:
    """The pace at which the finished jobs of such a table have finished."""
    return rows * (1 - _LIVE_PART) / _WEEK.total_seconds()


def _thresholds(job_types: int) -> list[float]:
    weights = list(accumulate(place**-_SKEW for place in range(1, job_types + 1)))
    return [weight / weights[-1] for weight in weights[:-1]]
