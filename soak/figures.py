"""What ended by the truth, by our tables, by both pages and by the engines' own tables."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jobqueue import catalogue as metrics
from jobqueue.engines import open_engine
from soak.servers import FLOOD, TRUTH, Place, Servers, ask
from soak.workers import Workers
from tests.engines.test_conformance import held, said, shown
from tests.exporter.scrape import Scrape

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_MINUTES_OF_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Ends:
    """Ends of one job type."""

    runs: int = 0
    failures: int = 0
    cancelled: int = 0


Figures = Mapping[str, Mapping[str, Ends]]
"""By source and job type."""


async def truth(servers: Servers, since: datetime = _LONG_AGO) -> Figures:
    """What ended since then, as stamped by whoever ended it."""
    return {name: await _ended(place, since) for name, place in servers.places.items()}


async def truth_of_day(servers: Servers) -> Figures:
    """What ended in the whole minutes of the last 24 hours."""
    minute = int(datetime.now(UTC).timestamp() // 60) - _MINUTES_OF_DAY
    return await truth(servers, datetime.fromtimestamp(60 * minute, UTC))


async def kept(servers: Servers) -> Figures:
    """What the exporters wrote down."""
    found: defaultdict[str, dict[str, Ends]] = defaultdict(dict)
    for row in await ask(servers.ours, TRUTH["kept"]):
        found[row["source"]][row["job_type"]] = _ends(row)
    return found


def day(page: Scrape, servers: Servers) -> Figures:
    """What a page says of the last 24 hours; it has no cancelled jobs."""
    return {name: _day_of(page, name) for name in servers.places}


async def runs_in(place: Place, spans: list[tuple[float, float]]) -> int:
    """How many runs ended in these spans of time, by when that was written."""
    runs = 0
    for since, until in spans:
        values = {"since": datetime.fromtimestamp(since, UTC), "until": datetime.fromtimestamp(until, UTC)}
        runs += (await place.ask(TRUTH["runs_between"], values))[0]["count"]
    return runs


async def jobs_off(page: Scrape, place: Place, workers: Workers | None) -> Mapping[tuple[str, str], int]:
    """By how many jobs a page differs from the engine's own tables, by job type and the engine's word for the state."""
    if place.name == FLOOD:
        rows = await place.ask(TRUTH["held"])
        theirs = Counter({(row["job_type"], row["state"]): row["count"] for row in rows})
        ours = Counter({(name, state.value): jobs for (name, state), jobs in shown(page, source=FLOOD).items()})
    elif workers is None or workers.driver is None:
        raise RuntimeError(f"{place.name}: its client isn't there")
    else:
        driver = workers.driver
        counts = await driver.counts()
        if query := TRUTH.get(f"unlisted_{driver.engine}"):
            for row in await place.ask(query):
                counts[row["job_type"], row["state"]] += row["jobs"]
        theirs = held(counts, driver, open_engine(driver.engine, None))
        ours = said(page, driver, source=place.name)
    return {key: off for key in ours.keys() | theirs.keys() if (off := ours[key] - theirs[key])}


async def _ended(place: Place, since: datetime) -> Mapping[str, Ends]:
    rows = await place.ask(TRUTH["ended"], {"since": since})
    return {row["job_type"]: _ends(row) for row in rows}


def _ends(row: Mapping[str, Any]) -> Ends:
    return Ends(row["runs"], row["failures"], row["cancelled"])


def _day_of(page: Scrape, source: str) -> Mapping[str, Ends]:
    runs = page.by("job_type", metrics.DAY_RUNS, source=source)
    failures = page.by("job_type", metrics.DAY_FAILURES, source=source)
    return {job_type: Ends(int(number), int(failures[job_type])) for job_type, number in runs.items()}
