"""What our reads cost the database: each collector by itself, then the exporter as it really runs."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from time import monotonic, sleep, time

from pydantic import SecretStr

from bench.meter import Meter, cpu_seconds
from bench.plan import Plan
from bench.programs import AS_PROMETHEUS, our_exporter
from exporter.collectors.finished import count_again_after
from exporter.counting.day import MINUTES_OF_DAY
from exporter.counting.store import RunStore
from exporter.database import Database
from exporter.poller import Poller
from exporter.source import SourceMonitor
from jobqueue.config import Log, Source
from jobqueue.engine import Room
from jobqueue.logs import configure

_SCRAPE_EVERY = 5.0
_PULSE_SECONDS = 0.005
_MINUTE = 60.0
_MINUTES_OF_HOUR = 60
_STATEMENT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Cost:
    """One read; ``database_ms`` with planning."""

    database_ms: float
    seconds: float


@dataclass(frozen=True, slots=True)
class CollectorCost:
    """A collector's warm polls, the middle one and all of a minute, and how often its own cost lets it be asked."""

    name: str
    database_ms: float
    minute_ms: float
    interval: float


@dataclass(frozen=True, slots=True)
class Reads:
    """All reads over one table. ``day`` is read hourly, ``census`` at the start and as often as its cost lets it be.

    ``longest_pause`` is for how many seconds a scrape would have had to wait during the first start.
    """

    collectors: tuple[CollectorCost, ...]
    history: Cost
    longest_pause: float
    census: Cost
    day: Cost

    def of(self, collector: str) -> CollectorCost:
        """One collector's cost."""
        return next(cost for cost in self.collectors if cost.name == collector)

    @property
    def without_live_ms(self) -> float:
        """Database time of a poll of each collector but ``live``."""
        return sum(cost.database_ms for cost in self.collectors if cost.name != "live")

    @property
    def minute_ms(self) -> float:
        """Database time of all reads of a minute, with its part of what is read hourly or less often."""
        often = sum(cost.minute_ms for cost in self.collectors)
        minutes_of_census = count_again_after(self.census.seconds) / _MINUTE
        return often + self.day.database_ms / _MINUTES_OF_HOUR + self.census.database_ms / minutes_of_census


@dataclass(frozen=True, slots=True)
class Watched:
    """The running exporter: of all reads of a minute the database time and its backends' processor time."""

    minute_ms: float
    minute_cpu_ms: float
    scrape_seconds: float
    resident_megabytes: float


async def measure_reads(url: str, meter: Meter, plan: Plan) -> Reads:
    """Poll a source whose figures start from nothing, collector by collector."""
    configure(Log(level="warning", format="console"))
    source = Source("main", SecretStr(url), poll_interval=plan.poll_interval, statement_timeout=_STATEMENT_TIMEOUT)
    monitor = SourceMonitor(source, lambda: None)
    try:
        pauses: list[float] = []
        pulse = asyncio.create_task(_note_pauses(pauses))
        first = {poller.name: await _cost(meter, poller.poll()) for poller in monitor.pollers}
        pulse.cancel()
        costs: defaultdict[str, list[float]] = defaultdict(list)
        for _ in range(plan.rounds):
            await asyncio.sleep(plan.between_rounds)
            for poller in monitor.pollers:
                costs[poller.name].append((await _cost(meter, poller.poll())).database_ms)
        if failing := monitor.failing():
            raise RuntimeError(f"collectors fail: {', '.join(failing)}")
        collectors = tuple(_collector(poller, costs[poller.name]) for poller in monitor.pollers)
        return Reads(collectors, first["runs"], max(pauses), first["finished"], await _day(url, meter))
    finally:
        await monitor.close()


def watch(url: str, meter: Meter, plan: Plan) -> Watched:
    """Let the real exporter run for a while, scraped as Prometheus does."""
    with our_exporter(url, plan.poll_interval) as exporter:
        sleep(plan.warmed)
        backends = meter.backends()
        began, spent, cpu = monotonic(), meter.milliseconds(), cpu_seconds(backends)
        scrapes = []
        while monotonic() - began < plan.watched:
            sleep(min(_SCRAPE_EVERY, plan.watched / 4))
            scrapes.append(exporter.scrape(AS_PROMETHEUS).seconds)
        minutes = (monotonic() - began) / _MINUTE
        return Watched(
            minute_ms=(meter.milliseconds() - spent) / minutes,
            minute_cpu_ms=(cpu_seconds(backends) - cpu) * 1000 / minutes,
            scrape_seconds=median(scrapes),
            resident_megabytes=exporter.resident_megabytes(),
        )


async def _note_pauses(pauses: list[float]) -> None:
    while True:
        began = monotonic()
        await asyncio.sleep(_PULSE_SECONDS)
        pauses.append(monotonic() - began - _PULSE_SECONDS)


async def _cost(meter: Meter, read: Awaitable[object]) -> Cost:
    spent, began = meter.milliseconds(), monotonic()
    await read
    seconds = monotonic() - began
    return Cost(meter.milliseconds() - spent, seconds)


def _collector(poller: Poller, database_ms: Sequence[float]) -> CollectorCost:
    a_minute = mean(database_ms) * _MINUTE / poller.interval
    return CollectorCost(poller.name, median(database_ms), a_minute, poller.interval)


async def _day(url: str, meter: Meter) -> Cost:
    async with Database(url, _STATEMENT_TIMEOUT, read_only=False) as database:
        store = RunStore(database, "main")
        await store.anchor()  # connects
        return await _cost(meter, store.day(int(time() // _MINUTE) - MINUTES_OF_DAY, str, Room))
