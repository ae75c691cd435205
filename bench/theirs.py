"""What people do today costs: postgres_exporter with custom queries."""

from dataclasses import dataclass
from statistics import median

from bench.meter import Meter, cpu_seconds, cpu_seconds_of_ended_children
from bench.plan import Plan
from bench.programs import postgres_exporter

_PERCENTILES, _COUNTS = "percentile_cont", "count(*) AS jobs"
"""What tells the two custom queries apart."""


@dataclass(frozen=True, slots=True)
class Custom:
    """One scrape (the median): database time, processor time of its backends, the answer's wall time; and memory."""

    counts_ms: float
    percentiles_ms: float
    scrape_ms: float
    scrape_cpu_ms: float
    scrape_seconds: float
    resident_megabytes: float


def measure_custom(url: str, meter: Meter, postmaster: int, plan: Plan) -> Custom:
    """Scrape postgres_exporter some times, once it is warm."""
    with postgres_exporter(url) as exporter:
        backends = meter.backends()
        cpu = cpu_seconds(backends) + cpu_seconds_of_ended_children(postmaster)
        costs = []
        for _ in range(plan.custom_scrapes):
            before = [meter.milliseconds(text) for text in (_COUNTS, _PERCENTILES, "")]
            seconds = exporter.scrape().seconds
            after = [meter.milliseconds(text) for text in (_COUNTS, _PERCENTILES, "")]
            costs.append([seconds, *(new - old for old, new in zip(before, after, strict=True))])
        cpu = cpu_seconds(backends) + cpu_seconds_of_ended_children(postmaster) - cpu
        seconds, counts, percentiles, scrape = map(median, zip(*costs, strict=True))
        return Custom(
            counts_ms=counts,
            percentiles_ms=percentiles,
            scrape_ms=scrape,
            scrape_cpu_ms=cpu * 1000 / plan.custom_scrapes,
            scrape_seconds=seconds,
            resident_megabytes=exporter.resident_megabytes(),
        )
