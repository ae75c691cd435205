"""What the control API says about itself to Prometheus."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from control_api import audit
from control_api.actions import Action
from control_api.desk import Desk
from control_api.links import Links
from control_api.problems import Problem
from control_api.security.refusals import NONE
from control_api.shared import Shared
from jobqueue.catalogue import (
    CONTROL_ACTION_INFO,
    CONTROL_ACTIONS,
    CONTROL_ACTIONS_RUNNING,
    JANITOR_INTERVAL,
    JANITOR_LAST_RUN,
    JANITOR_REMOVED,
)

REFUSED = "refused"
_ENDS = (audit.DONE, audit.FAILED, audit.INTERRUPTED)
_FRESH_SECONDS = 10.0
_READ_WITHIN = 2.0


class ControlMetrics:
    """Anybody may ask for the page, so what it needs from the databases is read every ten seconds at most."""

    def __init__(
        self, desk: Desk, refusals: Counter[tuple[str, str]], links: Links, rhythms: Mapping[str, timedelta]
    ) -> None:
        self._desk = desk
        self._refusals = refusals
        self._links = links
        self._rhythms = rhythms
        self._last_runs = Shared(self._read_last_runs, _FRESH_SECONDS)

    async def page(self, accept: str) -> tuple[bytes, str]:
        """The page in the format that *accept* asks for, and its content type."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Page(list(self._families(await self._last_runs.get()))))
        generate, content_type = choose_encoder(accept)
        return generate(registry), content_type

    async def _read_last_runs(self) -> Mapping[str, datetime]:
        names = list(self._desk.sources)
        moments = await asyncio.gather(*map(self._last_run, names))
        return {name: at for name, at in zip(names, moments, strict=True) if at is not None}

    async def _last_run(self, source: str) -> datetime | None:
        try:
            async with asyncio.timeout(_READ_WITHIN):
                return await self._desk.last_done(source, Action.JANITOR)
        except (Problem, TimeoutError):
            return None

    def _families(self, last_runs: Mapping[str, datetime]) -> Iterator[Family]:
        yield self._actions()
        yield self._running()
        yield self._action_info()
        last_run = GaugeMetricFamily(
            JANITOR_LAST_RUN.name, JANITOR_LAST_RUN.help, labels=JANITOR_LAST_RUN.all_labels, unit="seconds"
        )
        for source, at in last_runs.items():
            last_run.add_metric([source], at.timestamp())
        yield last_run
        interval = GaugeMetricFamily(
            JANITOR_INTERVAL.name, JANITOR_INTERVAL.help, labels=JANITOR_INTERVAL.all_labels, unit="seconds"
        )
        for source, every in self._rhythms.items():
            interval.add_metric([source], every.total_seconds())
        yield interval
        removed = CounterMetricFamily(JANITOR_REMOVED.name, JANITOR_REMOVED.help, labels=JANITOR_REMOVED.all_labels)
        for labels, rows in self._desk.tally.removed.items():
            removed.add_metric(labels, rows)
        yield removed

    def _actions(self) -> Family:
        family = CounterMetricFamily(CONTROL_ACTIONS.name, CONTROL_ACTIONS.help, labels=CONTROL_ACTIONS.all_labels)
        refused: dict[tuple[str, str], int] = {(NONE, NONE): 0}
        for source in self._desk.sources:
            for action in self._desk.actions(source):
                refused[source, action] = 0
                for end in _ENDS:
                    family.add_metric([source, action, end], self._desk.tally.outcomes[source, action, end])
        for labels, times in (refused | self._refusals).items():
            family.add_metric([*labels, REFUSED], times)
        return family

    def _running(self) -> Family:
        family = GaugeMetricFamily(
            CONTROL_ACTIONS_RUNNING.name, CONTROL_ACTIONS_RUNNING.help, labels=CONTROL_ACTIONS_RUNNING.all_labels
        )
        for source in self._desk.sources:
            for action in self._desk.actions(source):
                family.add_metric([source, action], self._desk.tally.running[source, action])
        return family

    def _action_info(self) -> Family:
        family = GaugeMetricFamily(
            CONTROL_ACTION_INFO.name, CONTROL_ACTION_INFO.help, labels=CONTROL_ACTION_INFO.all_labels
        )
        for source in self._desk.sources:
            for action in self._desk.actions(source):
                path, does = self._links.action(source, action), self._desk.what_it_does(source, action)
                family.add_metric([source, action, action.title, does, path], 1)
        return family


class _Page(Collector):
    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> list[Family]:
        return [family for family in self._families if family.samples]
