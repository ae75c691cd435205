"""Many jobs finishing each second: whether every one is counted, what that costs, how far the exporter lags."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic, sleep

import psycopg

from bench.meter import Meter, cpu_seconds
from bench.plan import Plan
from bench.programs import AS_PROMETHEUS, OPENMETRICS, Program, our_exporter
from bench.table import names
from bench.writer import Writer
from jobqueue.sql import load

_PREFIX = "rate"
_LOOK_EVERY = 1.0
_PATIENCE = 120.0
"""Seconds until the newest run must have been counted and shown: a busy machine may take long."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What was finished and counted; parts of one core over the period; ages of the anchor in seconds."""

    per_second: float
    finished: int
    kept: int
    """Runs in ``run_minutes``."""
    exposed: int
    """Runs in the counters on the page."""
    database_core: float
    exporter_core: float
    early_lag: float
    """The greatest in the period's first half."""
    late_lag: float
    slowest_scrape: float
    """Seconds that the slowest of the scrapes meanwhile took."""


def measure_rate(url: str, exporter_url: str, meter: Meter, plan: Plan) -> Rate:
    """Run the real exporter over a database in which jobs finish at the plan's pace."""
    job_types = names(plan.job_types, _PREFIX)
    with psycopg.connect(url, autocommit=True) as conn, our_exporter(exporter_url, plan.poll_interval) as exporter:
        backends = meter.backends()
        with Writer(url, plan.finishing, job_types) as writer:
            began, cpu, own_cpu = monotonic(), cpu_seconds(backends), exporter.cpu_seconds()
            lags, scrapes = zip(*_looks(conn, exporter, plan.finishing_for), strict=True)
            seconds = monotonic() - began
            cpu, own_cpu = cpu_seconds(backends) - cpu, exporter.cpu_seconds() - own_cpu
            finished = writer.finished
        _wait_for_poll(conn)
        _wait_until_shown(exporter, _kept(conn))
        half = len(lags) // 2
        return Rate(
            per_second=finished / seconds,
            finished=writer.finished,
            kept=_kept(conn),
            exposed=_exposed(exporter),
            database_core=cpu / seconds,
            exporter_core=own_cpu / seconds,
            early_lag=max(lags[:half]),
            late_lag=max(lags[half:]),
            slowest_scrape=max(scrapes),
        )


def _looks(conn: psycopg.Connection, exporter: Program, seconds: float) -> Iterator[tuple[float, float]]:
    """Yield the anchor's age and the time that a scrape took, about once a second."""
    query = load("bench", "rate.sql")["lag"]
    end = monotonic() + seconds
    while monotonic() < end:
        sleep(min(_LOOK_EVERY, seconds / 10))
        (lag,) = conn.execute(query).fetchone() or (0.0,)
        yield lag, exporter.scrape(AS_PROMETHEUS).seconds


def _wait_for_poll(conn: psycopg.Connection) -> None:
    """Wait until a poll that began after now has been kept."""
    query = load("bench", "rate.sql")["lag"]
    began = monotonic()
    while (waited := monotonic() - began) < _PATIENCE:
        if (conn.execute(query).fetchone() or (0.0,))[0] < waited:
            return
        sleep(0.1)


def _wait_until_shown(exporter: Program, runs: int) -> None:
    """Wait until the page shows as many runs as are kept."""
    began = monotonic()
    while _exposed(exporter) < runs and monotonic() - began < _PATIENCE:
        sleep(0.1)


def _kept(conn: psycopg.Connection) -> int:
    (runs,) = conn.execute(load("bench", "rate.sql")["kept"], {"job_types": f"{_PREFIX}-%"}).fetchone() or (0,)
    return int(runs)


def _exposed(exporter: Program) -> int:
    start = f'jobqueue_runs_total{{job_type="{_PREFIX}-'.encode()
    lines = (line for line in exporter.scrape(OPENMETRICS).page.splitlines() if line.startswith(start))
    return round(sum(float(line.rsplit(b" ", 1)[1]) for line in lines))
