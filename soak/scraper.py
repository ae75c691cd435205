"""A real Prometheus over both exporters, and what it makes of their counters."""

import asyncio
import json
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time

from demo import prometheus
from demo.ports import get
from demo.processes import Child
from soak.exporters import Exporter, free_port

_INCREASE = "sum by (source) (max by (source, job_type) (increase(jobqueue_runs_total[{seconds}s])))"


class NoPrometheusError(Exception):
    """There is none on this machine."""


@dataclass(frozen=True, slots=True)
class Scraper:
    """A running Prometheus."""

    port: int
    began: float

    async def increase(self) -> dict[str, float]:
        """How many runs each source had since it runs: of each job type by the replica that saw most."""
        query = _INCREASE.format(seconds=round(time() - self.began) + 5)
        path = f"/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        answer = await asyncio.to_thread(get, self.port, path)
        found = json.loads(answer)["data"]["result"] if answer else []
        return {each["metric"]["source"]: float(each["value"][1]) for each in found}


@contextmanager
def scraping(exporters: Sequence[Exporter], every: float, folder: Path) -> Iterator[Scraper]:
    """Let it run. Raises ``NoPrometheusError``."""
    program = prometheus.find()
    if program is None:
        raise NoPrometheusError("no prometheus here: run scripts/debian-tool prometheus")
    targets = [f"127.0.0.1:{each.port}" for each in exporters]
    configuration = folder / "prometheus.yml"
    configuration.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": f"{every:.0f}s", "scrape_timeout": f"{every:.0f}s"},
                "scrape_configs": [{"job_name": "soak", "static_configs": [{"targets": targets}]}],
            }
        )
    )
    port = free_port()
    command: list[str | Path] = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    child = Child.start("prometheus", command, log=folder / "prometheus.log")
    try:
        yield Scraper(port, time())
    finally:
        child.stop()
