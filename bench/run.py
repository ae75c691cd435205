"""Runs the parts over servers and tables of their own, and puts the report together."""

import asyncio
import os
import sys
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from bench import server
from bench.ours import measure_reads, watch
from bench.plan import Plan
from bench.rate import Rate, measure_rate
from bench.report import Counting, counting_section, rate_section, scrape_section, targets, targets_section
from bench.scrape import ScrapeFigures, measure_scrape
from bench.server import CUSTOM, OURS, Server, as_role, let_read
from bench.table import add_workers, finishing_per_second, generate, names
from bench.theirs import measure_custom
from bench.writer import Writer


def measure(plan: Plan, parts: Collection[str]) -> str:
    """Measure *parts* and answer with the report. Raises ``bench.programs.ProgramError``."""
    with server.start() as postgres:
        heading = _heading(postgres)
        scrape = _scrape(postgres, plan) if "scrape" in parts else None
        sizes, rate = _tables(postgres, plan, parts)
    sections: list[Iterable[str]] = [[heading], targets_section(targets(sizes, rate, scrape))]
    if sizes:
        sections.append(counting_section(sizes))
    if rate:
        sections.append(rate_section(rate, plan.rows[0]))
    if scrape:
        sections.append(scrape_section(scrape, plan.scraped_job_types, plan.workers))
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _scrape(postgres: Server, plan: Plan) -> ScrapeFigures:
    _say("scrape")
    job_types = names(plan.scraped_job_types)
    with postgres.database("scrape") as url:
        generate(url, plan.scraped_rows, job_types)
        add_workers(url, plan.workers, job_types)
        let_read(url)
        return measure_scrape(url, as_role(url, OURS), plan)


def _tables(postgres: Server, plan: Plan, parts: Collection[str]) -> tuple[list[Counting], Rate | None]:
    sizes: list[Counting] = []
    rate = None
    for rows in plan.rows:
        with_rate = "rate" in parts and rows == plan.rows[0]
        if "counting" not in parts and not with_rate:
            continue
        with postgres.database(f"jobs_{rows}") as url:
            _say(f"{rows:,} jobs: generating")
            generate(url, rows, names(plan.job_types))
            let_read(url)
            if "counting" in parts:
                sizes.append(_counting(postgres, url, rows, plan))
            if with_rate:
                _say(f"{rows:,} jobs: rate")
                rate = measure_rate(url, as_role(url, OURS), postgres.meter(OURS), plan)
    return sizes, rate


def _counting(postgres: Server, url: str, rows: int, plan: Plan) -> Counting:
    ours, meter = as_role(url, OURS), postgres.meter(OURS)
    with Writer(url, finishing_per_second(rows), names(plan.job_types)):
        _say(f"{rows:,} jobs: each collector")
        reads = asyncio.run(measure_reads(ours, meter, plan))
        _say(f"{rows:,} jobs: the exporter")
        watched = watch(ours, meter, plan)
        _say(f"{rows:,} jobs: custom queries")
        custom = measure_custom(as_role(url, CUSTOM), postgres.meter(CUSTOM), postgres.embedded.pid, plan)
    return Counting(rows, reads, watched, custom)


def _heading(postgres: Server) -> str:
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: PostgreSQL {postgres.version} with `shared_buffers` "
        f"{server.SETTINGS['shared_buffers']}, all data in memory, {os.cpu_count()} processor cores."
    )


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)
