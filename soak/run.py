"""Sets everything up, lets it run, and takes it down."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, time
from typing import Any

from psycopg import OperationalError

from demo.engines.diary import VARIABLE
from soak import figures
from soak.exporters import Exporter, exporters, read_since
from soak.flood import Flood
from soak.judge import judge
from soak.monkey import Monkey
from soak.plan import Plan
from soak.quiet import quiet
from soak.report import report
from soak.scraper import scraping
from soak.servers import FLOOD, Servers, serve
from soak.stage import Stage
from soak.verdict import total
from soak.workers import Workers

_TOLD_EVERY = 30.0
_DIARY = "diary"
_READ_WITHIN = 300.0


async def soak(plan: Plan, logs: Path | None, say: Callable[[str], None]) -> bool:
    """Run one and tell what it found; whether nothing was lost or doubled. What is logged stays only in *logs*."""
    with _folder(logs) as folder, quiet(folder / "workers.log"):
        say(f"seed {plan.seed}; logs in {folder}")
        diary = folder / _DIARY
        os.environ[VARIABLE] = str(diary)
        async with serve(plan, folder) as servers:
            configuration = _configure(servers, plan, folder)
            with (
                exporters(configuration) as both,
                scraping(both, plan.scrape_every, folder) as scraper,
            ):
                if not await read_since(both, 0, _READ_WITHIN):
                    raise RuntimeError("the exporters don't read: " + _words(both))
                workers = {
                    name: Workers(place, plan.busy, f"{plan.seed}:{name}")
                    for name, place in servers.places.items()
                    if name != FLOOD
                }
                stage = Stage(plan, servers, both, workers)
                monkey, flood, began = Monkey(stage), Flood(servers.places[FLOOD], plan.flood), time()
                async with _beside(
                    flood.run(),
                    *(each.run() for each in workers.values()),
                    _watch(both),
                    _tell(stage, monkey, say),
                ):
                    await monkey.play(60 * plan.minutes)
                    say("the monkey is done; workers come to their end")
                    flood.end()
                    await asyncio.gather(*(each.rest() for each in workers.values()))
                    verdict = await judge(stage, scraper, diary, began, say)
                    restarts = {name: each.restarts for name, each in workers.items()}
                for line in report(plan, verdict, monkey, restarts, servers.disk.how):
                    say(line)
                return verdict.is_clean


@contextmanager
def _folder(logs: Path | None) -> Iterator[Path]:
    if logs is None:
        with TemporaryDirectory(prefix="soak-") as name:
            logs = Path(name)
            logs.chmod(0o711)  # root's PostgreSQL runs as nobody
            yield logs
        return
    logs.mkdir(mode=0o711, parents=True, exist_ok=True)
    (logs / _DIARY).unlink(missing_ok=True)
    yield logs


def _configure(servers: Servers, plan: Plan, folder: Path) -> Path:
    sources = []
    for place in servers.places.values():
        source = servers.source(place, plan)
        sources.append(
            {
                "name": source.name,
                "engine": source.engine,
                "dsn": place.address,
                "store_dsn": servers.ours,
                "poll_interval": source.poll_interval,
                "scrape_interval": source.scrape_interval,
                "settle": source.settle,
            }
        )
    file = folder / "sources.yaml"
    file.write_text(json.dumps({"sources": sources}))  # JSON is YAML
    return file


@asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do this beside, until the block ends; what fails there ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        yield
        for task in tasks:
            task.cancel()


async def _watch(both: Iterable[Exporter]) -> None:
    while True:
        for exporter in both:
            exporter.look()
        await asyncio.gather(*(exporter.note_sight() for exporter in both))
        await asyncio.sleep(0.5)


async def _tell(stage: Stage, monkey: Monkey, say: Callable[[str], None]) -> None:
    began, before, told_at = monotonic(), 0, monotonic()
    while True:
        await asyncio.sleep(_TOLD_EVERY)
        try:
            ends = sum(total(each).runs for each in (await figures.truth(stage.servers)).values())
            kept = sum(total(each).runs for each in (await figures.kept(stage.servers)).values())
        except OperationalError:
            say(f"{(monotonic() - began) / 60:5.1f} min: a server is away")
            continue
        rate, before, told_at = (ends - before) / (monotonic() - told_at), ends, monotonic()
        memory = "/".join(f"{each.megabytes():.0f}" for each in stage.exporters)
        acts = f"{monkey.done.total()} acts"
        say(f"{(monotonic() - began) / 60:5.1f} min: {ends:,} runs ({rate:,.0f}/s), {kept:,} kept, {acts}, {memory} MB")


def _words(both: Iterable[Exporter]) -> str:
    for exporter in both:
        exporter.look()
    return "\n".join(word for exporter in both for word in exporter.died)
