"""What a Prometheus remembers of a crowded queue: every sample that a tab reads of its past, scraped every 15 s.

Series that no query looks back at are left out: they would be millions of samples more, and cost a query nothing.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time

from bench.programs import COLLECTORS
from jobqueue import catalogue as metrics
from jobqueue.catalogue import BUCKETS, Metric

STEP = 15
_HOUR, _CHARTS, _DAY = 3600 // STEP, 6 * 3600 // STEP, 24 * 3600 // STEP
"""Samples that one figure, the charts of the tabs of six hours, and those of a day look back at."""
_SHOWN = 8
_LES = [f"{bound:g}" for bound in BUCKETS] + ["+Inf"]

Values = Sequence[str]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Job types and workers; of the first job type, which the Job dashboard opens with, everything is remembered."""

    job_types: Sequence[str]
    workers: Sequence[str]
    page: str
    """Of the exporter: whom its 24-hour figures put first, the charts of Metrics show."""

    def series(self) -> Iterator[tuple[str, Values]]:
        """Each series by its name and labels, with its newest values."""
        now, first = int(time()), self.job_types[0]
        wobbling = [str(number % 7) for number in range(_DAY)]
        ages = [str(now - STEP * (_DAY - number) - number % 600) for number in range(_DAY)]
        growing = [str(number) for number in range(_DAY)]
        for job_type in self.job_types:
            samples = _DAY if job_type == first else _CHARTS
            yield _named(metrics.JOBS, job_type=job_type, state="pending"), wobbling[-samples:]
            yield _named(metrics.OLDEST_READY, job_type=job_type), ages[-samples:]
            yield _named(metrics.SCHEDULE_MISSED, job_type=job_type), wobbling[-samples:]
        for state in ("active", "retry"):
            yield _named(metrics.JOBS, job_type=first, state=state), wobbling
        yield _named(metrics.OLDEST_ACTIVE, job_type=first), ages
        for worker in self.workers:
            yield _named(metrics.WORKER_ONLINE, worker=worker), ["1"] * _CHARTS
            yield _named(metrics.WORKER_PROCESSED, worker=worker), growing[-_CHARTS:]
            running = {"worker": worker, "job_type": first}
            yield _named(metrics.WORKER_CURRENT_START, **running), ages[-_CHARTS:]
        for collector in COLLECTORS:
            for metric in (metrics.COLLECTOR_SUCCESS, metrics.COLLECTOR_DURATION):
                yield _named(metric, collector=collector), ["1"] * _CHARTS
            yield _named(metrics.COLLECTOR_LAST_SUCCESS, collector=collector), ages[-_CHARTS:]
        yield from self._runs(growing)

    def _runs(self, growing: Values) -> Iterator[tuple[str, Values]]:
        first = self.job_types[0]
        failing, busiest = (self._first_by(metric) for metric in (metrics.DAY_FAILURES, metrics.DAY_RUNS))
        for metric in (metrics.RUNS, metrics.RUN_FAILURES):
            for job_type in {first, *failing, *busiest}:
                yield _named(metric, job_type=job_type), growing
        # The later in the list, the longer it waits.
        for number, job_type in enumerate(self.job_types, start=1):
            yield _named(metrics.RUN_WAIT, "_count", job_type=job_type), growing[-_HOUR:]
            waited = [str(number * runs) for runs in range(_HOUR)]
            yield _named(metrics.RUN_WAIT, "_sum", job_type=job_type), waited
        histograms: Mapping[Metric, set[str]] = {
            metrics.RUN_WAIT: {first, *self.job_types[-_SHOWN:]},
            metrics.RUN_DURATION: {first, *self._first_by(metrics.DAY_P95)},
        }
        for metric, job_types in histograms.items():
            for job_type in job_types:
                for reached, le in enumerate(_LES, start=1):
                    below = [str(reached * number) for number in range(_DAY)]
                    yield _named(metric, "_bucket", job_type=job_type, le=le), below

    def _first_by(self, metric: Metric) -> set[str]:
        found = re.findall(rf'^{metric.name}\{{job_type="([^"]+)".*\}} (\S+)', self.page, re.MULTILINE)
        ranked = sorted(found, key=lambda one: -float(one[1]))
        assert len(ranked) >= _SHOWN, metric.name
        return {job_type for job_type, _ in ranked[:_SHOWN]}


def write(crowd: Crowd, promtool: Path, directory: Path, instance: str) -> int:
    """Give the Prometheus whose data is in *directory* the memory; answers with how many samples it is."""
    now, samples = int(time()), 0
    moments = [str(now - STEP * (_DAY - number)) for number in range(_DAY)]
    file = directory.with_suffix(".openmetrics")
    with file.open("w", encoding="ascii") as page:
        for labels, values in crowd.series():
            series = f'{labels},job="system-status",instance="{instance}"}} '
            lines = map(" ".join, zip(values, moments[-len(values) :], strict=True))
            page.write(series + f"\n{series}".join(lines) + "\n")
            samples += len(values)
        page.write("# EOF\n")
    command: list[str | Path] = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=24h"]
    subprocess.run([*command, "openmetrics", file, directory], check=True, capture_output=True, timeout=300)
    file.unlink()
    return samples


def _named(metric: Metric, suffix: str = "", **labels: str) -> str:
    texts = ",".join(f'{name}="{text}"' for name, text in {"source": "main", **labels}.items())
    return f"{metric.name}{suffix}{{{texts}"
