"""The exporter's real objects without its process, and a page as Prometheus understands it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from pydantic import SecretStr

from exporter.exposition import Exposition
from exporter.page import Page
from exporter.source import SourceMonitor
from jobqueue.catalogue import Kind, Metric
from jobqueue.config import Source
from tests.waiting import PATIENCE

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

Key = tuple[str, frozenset[tuple[str, str]]]
"""A series: the name of its samples, and its labels."""

Watch = Callable[..., "Exporter"]
"""Makes an exporter of sources, and closes it at the end of the test."""


def source(address: str, name: str = "main", **settings: Any) -> Source:
    """A source that is read in a hurry."""
    hurry = {"poll_interval": 1.0, "scrape_interval": 0.0, "statement_timeout": 1.0, "settle": 5.0}
    return Source(name=name, dsn=SecretStr(address), **{**hurry, **settings})


class Scrape:
    """One page, parsed: it fails on what OpenMetrics forbids, and on a series that is given twice."""

    def __init__(self, text: str) -> None:
        self.families: dict[str, Family] = {}
        self.series: dict[Key, float] = {}
        for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
            self.families[family.name] = family
            for sample in family.samples:
                self.series[sample.name, frozenset(sample.labels.items())] = sample.value
        # The parser takes the first of two equal series and is silent about the other.
        assert len(self.series) == sum(not line.startswith("#") for line in text.split("\n")[:-1])

    def select(self, metric: Metric | str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """One metric's series that have these labels."""
        name = metric if isinstance(metric, str) else metric.name
        return [
            (dict(found), value)
            for (sample, found), value in self.series.items()
            if sample == name and labels.items() <= found
        ]

    def value(self, metric: Metric | str, **labels: str) -> float | None:
        """The value of the one series that has these labels; None when it is absent."""
        found = self.select(metric, **labels)
        assert len(found) < 2, found
        return found[0][1] if found else None

    def by(self, label: str, metric: Metric | str, **labels: str) -> dict[str, float]:
        """One metric's series by a label that tells them apart."""
        found = self.select(metric, **labels)
        values = {series[label]: value for series, value in found}
        assert len(values) == len(found), found
        return values

    def counters(self) -> dict[Key, float]:
        """Every series that may never go down."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            if family.type in (Kind.COUNTER, Kind.HISTOGRAM)
            for sample in family.samples
        }


class Exporter:
    """Reads sources when it is told to, or by itself in ``run``."""

    def __init__(self, *sources: Source) -> None:
        self._change = asyncio.Event()
        self.monitors = [SourceMonitor(source, self._changed) for source in sources]

    async def poll(self, rounds: int = 1) -> Scrape:
        """Ask every collector once, and look at the page."""
        for _ in range(rounds):
            for monitor in self.monitors:
                await monitor.poll_once()
        return await self.scrape()

    async def scrape(self) -> Scrape:
        return Scrape(await self.text())

    async def text(self, accept: str = OPENMETRICS) -> str:
        rendered = await Page(Exposition(self.monitors)).get(accept)
        return rendered.plain.decode()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let every collector follow its own rhythm."""
        tasks = [asyncio.create_task(monitor.run()) for monitor in self.monitors]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, holds: Callable[[Scrape], bool]) -> Scrape:
        """Look at the page whenever something was read, until it is as it should be."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._change.clear()
                if holds(page := await self.scrape()):
                    return page
                await self._change.wait()

    async def close(self) -> None:
        for monitor in self.monitors:
            await monitor.close()

    def _changed(self) -> None:
        self._change.set()
