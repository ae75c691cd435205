"""Waits until all has settled, and compares."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import time

from soak import figures
from soak.exporters import Exporter, read_since
from soak.scraper import Scraper
from soak.stage import Stage
from soak.verdict import Difference, Increase, Verdict, compare, merged, total
from soak.witness import witnesses
from tests.exporter.scrape import Scrape

MINUTES, AFRESH = "run_minutes", " afresh"
JOBS = "jobqueue_jobs"
_READ_WITHIN = 400.0
_LOOK_EVERY = 5.0
_WHOLE_MINUTE = 60.0


async def judge(stage: Stage, scraper: Scraper, diary: Path, began: float, say: Callable[[str], None]) -> Verdict:
    """Compare every figure, then once more with exporters that began afresh. Nothing may end any more."""
    plan, verdict, ended = stage.plan, Verdict(), time() + stage.plan.latest
    say("waiting until all has settled")
    await asyncio.sleep(plan.latest + 2 * plan.poll_interval)
    await _all_read(stage, verdict, "runs")
    await _ends(stage, verdict)
    verdict.witnesses = await witnesses(stage.servers.places, diary)
    await _until_clean(stage, verdict, "", seconds=plan.settle + 30)
    # Prometheus extends a series by its own slope to the edges of the range: a flat end keeps that small.
    await asyncio.sleep(4 * plan.scrape_every)
    await _increases(stage, scraper, began, verdict)
    verdict.troubles += [f"{each.name} had {each.megabytes():.0f} MB" for each in stage.exporters if _is_fat(each)]

    # What ended lately a first count takes from the ends, and not from the rows: a job that ended twice counts twice.
    await asyncio.sleep(max(0.0, ended + plan.settle + _WHOLE_MINUTE - time()))
    say("comparing once more with exporters that began afresh")
    for exporter in stage.exporters:
        await asyncio.to_thread(exporter.end)
        exporter.start()
    await _all_read(stage, verdict)
    await _until_clean(stage, verdict, AFRESH, seconds=plan.settle + 30)
    await _jobs(stage, verdict)
    for exporter in stage.exporters:
        exporter.look()
        verdict.troubles += exporter.died
    return verdict


async def _all_read(stage: Stage, verdict: Verdict, collector: str | None = None) -> None:
    if not await read_since(stage.exporters, time(), _READ_WITHIN, collector):
        verdict.troubles.append("not every collector has read again")


async def _ends(stage: Stage, verdict: Verdict) -> None:
    verdict.ends = {source: total(ends) for source, ends in (await figures.truth(stage.servers)).items()}


async def _until_clean(stage: Stage, verdict: Verdict, when: str, seconds: float) -> None:
    """Take the figures; while they differ, again, for there may be something under way."""
    end = time() + seconds
    while True:
        found = await _differences(stage, when)
        if time() > end or all(each.is_none for row in found.values() for each in row.values()):
            verdict.differences |= found
            return
        await asyncio.sleep(_LOOK_EVERY)


async def _differences(stage: Stage, when: str) -> dict[str, dict[str, Difference]]:
    servers = stage.servers
    found = {MINUTES + when: compare(await figures.truth(servers), await figures.kept(servers), cancelled=True)}
    for exporter in stage.exporters:
        of_day = await figures.truth_of_day(servers)
        page = await _page(exporter)
        found[f"day of {exporter.name}{when}"] = compare(of_day, figures.day(page, servers), cancelled=False)
    return found


async def _increases(stage: Stage, scraper: Scraper, began: float, verdict: Verdict) -> None:
    runs = await scraper.increase()
    for source, place in stage.servers.places.items():
        truth = verdict.ends[source].runs
        blind = [await figures.runs_in(place, merged(exporter.blind[source])) for exporter in stage.exporters]
        margin = 5 + 2 * stage.plan.scrape_every * truth / (time() - began)
        verdict.increases[source] = Increase(runs.get(source, 0.0), truth, min(blind), margin)


async def _jobs(stage: Stage, verdict: Verdict) -> None:
    for exporter in stage.exporters:
        page = await _page(exporter)
        row = {}
        for source, place in stage.servers.places.items():
            off = await figures.jobs_off(page, place, stage.workers.get(source))
            row[source] = Difference(
                -sum(jobs for jobs in off.values() if jobs < 0), sum(jobs for jobs in off.values() if jobs > 0)
            )
            if off:
                verdict.troubles.append(f"{JOBS} of {exporter.name}, {source}: {off}")
        verdict.differences[f"{JOBS} of {exporter.name}"] = row


async def _page(exporter: Exporter) -> Scrape:
    for _ in range(30):
        if (text := await exporter.page()) is not None:
            return Scrape(text)
        await asyncio.sleep(1)
    raise RuntimeError(f"{exporter.name} doesn't answer")


def _is_fat(exporter: Exporter) -> bool:
    return exporter.megabytes() > 400
