"""Writes what was measured as Markdown."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bench.ours import Reads, Watched
from bench.rate import Rate
from bench.scrape import ScrapeFigures
from bench.theirs import Custom

_SCRAPES_A_MINUTE = 4

MORE_AT_MOST_MS = 10.0
CHEAPER_DAY, CHEAPER_MINUTE = 300.0, 100.0
CORE_AT_MOST = 0.02
SCRAPE_AT_MOST_SECONDS = 0.05
MEMORY_AT_MOST_MB = 120.0


@dataclass(frozen=True, slots=True)
class Counting:
    """Part counting over one size of the table."""

    rows: int
    reads: Reads
    watched: Watched
    custom: Custom

    @property
    def custom_minute_ms(self) -> float:
        """Database time of the custom queries, scraped every 15 s."""
        return self.custom.scrape_ms * _SCRAPES_A_MINUTE

    @property
    def day_ratio(self) -> float:
        """How many times more the percentile query costs than a poll that keeps the 24-hour figures."""
        return self.custom.percentiles_ms / self.reads.of("runs").database_ms

    @property
    def minute_ratio(self) -> float:
        """How many times more a minute of the custom queries costs than a minute of ours."""
        return self.custom_minute_ms / self.reads.minute_ms


@dataclass(frozen=True, slots=True)
class Target:
    """What has to hold, and whether it did."""

    text: str
    measured: str
    met: bool


def counting_section(sizes: Sequence[Counting]) -> Iterator[str]:
    """Yield the lines about database time, a table with a column for each size."""
    first = sizes[0]
    yield "### Database time beside custom queries"
    yield ""
    yield f"| | {' | '.join(f'{size.rows:,} jobs' for size in sizes)} |"
    yield f"| --- |{' ---: |' * len(sizes)}"
    for cost in first.reads.collectors:
        yield _row(f"a poll of `{cost.name}`, and how often", sizes, partial(_poll, cost.name))
    rows: list[tuple[str, Callable[[Counting], str]]] = [
        ("**a poll of each but `live`**", lambda size: _ms(size.reads.without_live_ms)),
        ("first start: 24 h of history, database", lambda size: _ms(size.reads.history.database_ms)),
        ("first start: 24 h of history, wall", lambda size: _ms(size.reads.history.seconds * 1000)),
        ("first start: a scrape waits at most", lambda size: _ms(size.reads.longest_pause * 1000)),
        ("all finished counted (start, hourly at most), database", lambda size: _ms(size.reads.census.database_ms)),
        ("all finished counted, wall, with its pauses", lambda size: _ms(size.reads.census.seconds * 1000)),
        ("24 h read back (start, hourly)", lambda size: _ms(size.reads.day.database_ms)),
        ("**a minute of all reads**, with its part of those", lambda size: _ms(size.reads.minute_ms)),
        ("a minute as watched, without those", lambda size: _ms(size.watched.minute_ms)),
        ("the same as processor time", lambda size: _ms(size.watched.minute_cpu_ms)),
        ("`GET /metrics`", lambda size: _ms(size.watched.scrape_seconds * 1000)),
        ("memory of the exporter", lambda size: _mb(size.watched.resident_megabytes)),
        ("custom query: jobs by type and state", lambda size: _ms(size.custom.counts_ms)),
        ("custom query: 24 h percentiles", lambda size: _ms(size.custom.percentiles_ms)),
        ("custom queries: a scrape, database", lambda size: _ms(size.custom.scrape_ms)),
        ("custom queries: a scrape, processor time", lambda size: _ms(size.custom.scrape_cpu_ms)),
        ("**custom queries: a minute** at a scrape every 15 s", lambda size: _ms(size.custom_minute_ms)),
        ("custom queries: `GET /metrics`", lambda size: _ms(size.custom.scrape_seconds * 1000)),
        ("memory of postgres_exporter", lambda size: _mb(size.custom.resident_megabytes)),
        ("24-hour figures: ours cheaper by", lambda size: f"{size.day_ratio:,.0f}x"),
        ("a minute: ours cheaper by", lambda size: f"{size.minute_ratio:,.0f}x"),
    ]
    for title, value in rows:
        yield _row(title, sizes, value)


def rate_section(rate: Rate, rows: int) -> Iterator[str]:
    """Yield the lines about many jobs finishing."""
    yield f"### {rate.per_second:,.0f} jobs finishing each second, over {rows:,} jobs"
    yield ""
    yield "| | |"
    yield "| --- | ---: |"
    yield f"| finished | {rate.finished:,} |"
    yield f"| counted in `run_minutes` | {rate.kept:,} (difference {rate.kept - rate.finished:+,}) |"
    yield f"| counted on `/metrics` | {rate.exposed:,} (difference {rate.exposed - rate.finished:+,}) |"
    yield f"| processor time of the exporter's backends | {rate.database_core:.2%} of a core |"
    yield f"| processor time of the exporter itself | {rate.exporter_core:.2%} of a core |"
    yield f"| lag, greatest in the first half | {rate.early_lag:.1f} s |"
    yield f"| lag, greatest in the second half | {rate.late_lag:.1f} s |"
    yield f"| slowest `GET /metrics` meanwhile | {_ms(rate.slowest_scrape * 1000)} |"


def scrape_section(scrape: ScrapeFigures, job_types: int, workers: int) -> Iterator[str]:
    """Yield the lines about the page."""
    yield f"### `GET /metrics` of {job_types} job types and {workers} workers, polled every second"
    yield ""
    yield "| | OpenMetrics, gzip | plain text |"
    yield "| --- | ---: | ---: |"
    forms = (scrape.openmetrics, scrape.plain)
    yield f"| median | {' | '.join(_ms(form.median * 1000) for form in forms)} |"
    yield f"| worst | {' | '.join(_ms(form.worst * 1000) for form in forms)} |"
    yield f"| sent | {' | '.join(f'{form.bytes / 1024:,.0f} kB' for form in forms)} |"
    yield ""
    yield (
        f"{scrape.series:,} series; a format's very first page takes {_ms(scrape.first_seconds * 1000)}. "
        f"Memory of the exporter: {_mb(scrape.resident_megabytes)}."
    )


def targets(sizes: Sequence[Counting], rate: Rate | None, scrape: ScrapeFigures | None) -> Iterator[Target]:
    """Yield what has to hold of the parts that were measured."""
    if len(sizes) > 1:
        more = sizes[-1].reads.without_live_ms - sizes[0].reads.without_live_ms
        what = f"a poll of each but `live` at {sizes[-1].rows:,}"
        text = f"{what}: at most {MORE_AT_MOST_MS:.0f} ms more than at {sizes[0].rows:,}"
        yield Target(text, f"{more:+.1f} ms", more <= MORE_AT_MOST_MS)
    if sizes:
        largest = sizes[-1]
        yield _cheaper(f"24-hour figures at {largest.rows:,}", largest.day_ratio, CHEAPER_DAY)
        yield _cheaper(f"a minute of reads at {largest.rows:,}", largest.minute_ratio, CHEAPER_MINUTE)
    if rate:
        missed = rate.kept - rate.finished
        yield Target("every job that finished is counted", f"difference {missed:+,}", missed == 0)
        yield Target(
            f"at most {CORE_AT_MOST:.0%} of a core of the database at {rate.per_second:,.0f} a second",
            f"{rate.database_core:.2%}",
            rate.database_core <= CORE_AT_MOST,
        )
    if scrape:
        slowest = max(scrape.openmetrics.worst, scrape.plain.worst)
        yield Target(
            f"a scrape takes at most {SCRAPE_AT_MOST_SECONDS * 1000:.0f} ms",
            f"worst {_ms(slowest * 1000)}",
            slowest <= SCRAPE_AT_MOST_SECONDS,
        )
        yield Target(
            f"the exporter takes at most {MEMORY_AT_MOST_MB:.0f} MB",
            _mb(scrape.resident_megabytes),
            scrape.resident_megabytes <= MEMORY_AT_MOST_MB,
        )


def targets_section(found: Iterable[Target]) -> Iterator[str]:
    """Yield the table of targets."""
    yield "### Targets"
    yield ""
    yield "| target | measured | |"
    yield "| --- | ---: | --- |"
    for target in found:
        yield f"| {target.text} | {target.measured} | {'met' if target.met else '**missed**'} |"


def _row(title: str, sizes: Sequence[Counting], value: Callable[[Counting], str]) -> str:
    return f"| {title} | {' | '.join(map(value, sizes))} |"


def _poll(collector: str, size: Counting) -> str:
    cost = size.reads.of(collector)
    return f"{_ms(cost.database_ms)} / {cost.interval:.0f} s"


def _cheaper(what: str, ratio: float, at_least: float) -> Target:
    return Target(f"{what}: at least {at_least:.0f} times cheaper", f"{ratio:,.0f}x", ratio >= at_least)


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:,.2f} ms" if milliseconds < 10 else f"{milliseconds:,.0f} ms"


def _mb(megabytes: float) -> str:
    return f"{megabytes:,.0f} MB"
