"""A page of many job types and workers, scraped while it is read anew."""

from dataclasses import dataclass
from statistics import median
from time import sleep

from bench.plan import Plan
from bench.programs import AS_PROMETHEUS, PLAIN, our_exporter
from bench.table import names
from bench.writer import Writer

_POLL_INTERVAL = 1.0
"""The shortest that can be configured: most scrapes meet a read."""
_FINISHING = 50


@dataclass(frozen=True, slots=True)
class Scrapes:
    """Wall time in seconds of scrapes in one format, and the size of what was sent."""

    median: float
    worst: float
    bytes: int


@dataclass(frozen=True, slots=True)
class ScrapeFigures:
    """Both formats, and the exporter's memory after all scrapes; ``first_seconds`` is a format's first page."""

    first_seconds: float
    openmetrics: Scrapes
    plain: Scrapes
    series: int
    resident_megabytes: float


def measure_scrape(url: str, exporter_url: str, plan: Plan) -> ScrapeFigures:
    """Scrape the real exporter in turn as Prometheus does and plainly, while jobs of all types finish."""
    job_types = names(plan.scraped_job_types)
    with Writer(url, _FINISHING, job_types), our_exporter(exporter_url, _POLL_INTERVAL) as exporter:
        first_seconds = exporter.scrape(PLAIN).seconds
        times: dict[str, list[float]] = {"openmetrics": [], "plain": []}
        sizes, page = {}, b""
        for _ in range(plan.scrapes):
            for form, headers in (("openmetrics", AS_PROMETHEUS), ("plain", PLAIN)):
                scrape = exporter.scrape(headers)
                times[form].append(scrape.seconds)
                sizes[form], page = len(scrape.page), scrape.page
                sleep(plan.scraped_every)
        openmetrics, plain = (Scrapes(median(seconds), max(seconds), sizes[form]) for form, seconds in times.items())
        series = sum(not line.startswith(b"#") for line in page.splitlines())
        return ScrapeFigures(first_seconds, openmetrics, plain, series, exporter.resident_megabytes())
