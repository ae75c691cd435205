"""``python -m bench.cancel``: a million pending jobs cancelled while workers go on fetching."""

import argparse
import asyncio
import sys
import threading
from importlib import resources
from statistics import median, quantiles
from time import monotonic, perf_counter

import psycopg
from pydantic import SecretStr

from control_api import audit
from control_api.actions import Action
from control_api.audit import Request
from control_api.desk import Desk
from control_api.sources import ControlledSource
from demo.postgres import EmbeddedPostgres
from jobqueue.config import Janitor, Source
from jobqueue.sql import load
from jobqueue.tables.migrate import migrate
from jobqueue.terminal import ends_with_its_reader

_QUERIES = load("bench", "cancel.sql")
_SCHEMA = resources.files("jobqueue.engines.ascent").joinpath("schema.sql")
_BATCH = 1000


class Workers:
    """Fetch jobs as Ascent's workers do, and note how long each fetch took, in milliseconds."""

    def __init__(self, address: str, number: int) -> None:
        self._address = address
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(number)]
        self.fetches: list[float] = []

    def start(self) -> None:
        """Begin, with nothing noted yet."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the fetch under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        with psycopg.connect(self._address, autocommit=True) as conn:
            while not self._stop.wait(0.005):
                began = perf_counter()
                conn.execute(_QUERIES["fetch"])
                self.fetches.append((perf_counter() - began) * 1000)


async def cancel(address: str) -> tuple[float, int]:
    """Cancel all that waits; answers seconds and rows."""
    source = Source(name="main", dsn=SecretStr(address))
    desk = Desk([ControlledSource.open(source, read_only=False)], Janitor(), _BATCH)
    await desk.open()
    began = monotonic()
    entry = await desk.act(Request("main", Action.CANCEL_PENDING, "bench", "once"))
    while entry.state == audit.RUNNING:
        await asyncio.sleep(1)
        entry = await desk.entry("main", entry.id)
        print(f"{monotonic() - began:6.1f} s  {entry.changed:>9,} cancelled")
    await desk.close()
    return monotonic() - began, entry.changed


@ends_with_its_reader
def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.cancel", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="so many; default %(default)s")
    jobs = parser.parse_args().jobs
    with EmbeddedPostgres.start(settings={"shared_buffers": "512MB", "max_wal_size": "4GB"}) as server:
        address = server.create_database("cancel")
        with psycopg.connect(address, autocommit=True) as conn:
            conn.execute(_SCHEMA.read_bytes())
            migrate([Source(name="main", dsn=SecretStr(address))], lambda line: None)
            conn.execute(_QUERIES["pile"], {"jobs": jobs})
        workers = Workers(address, number=3)
        workers.start()
        threading.Event().wait(10)
        usual, workers.fetches = workers.fetches, []
        seconds, cancelled = asyncio.run(cancel(address))
        during = workers.fetches
        workers.stop()
    print(f"{cancelled:,} jobs cancelled in {seconds:.0f} s, {cancelled / seconds:,.0f} a second")
    for what, times in (("usually", usual), ("meanwhile", during)):
        print(f"a fetch {what}: median {median(times):.2f} ms, 95 % below {quantiles(times, n=20)[-1]:.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
