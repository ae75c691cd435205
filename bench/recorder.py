"""What recording completions costs Graphile Worker: ``python -m bench.recorder``, after ``make .cache/graphile/made``.

Workers' own SQL (fetch a job, complete it) from several connections at once, with and without the triggers, in turns.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
from pydantic import SecretStr

from demo.engines.graphile.packages import make_tables
from demo.postgres import EmbeddedPostgres
from jobqueue.config import Source
from jobqueue.sql import load
from jobqueue.tables.migrate import migrate
from jobqueue.tables.recording import record_completions, remove_recorders
from jobqueue.terminal import ends_with_its_reader

CLIENTS, JOBS, ROUNDS = 2, 3_000, 5
_QUERIES = load("bench", "recorder.sql")


def _work(address: str) -> int:
    """Do jobs until there are none; answers how many."""
    jobs = 0
    with psycopg.connect(address, autocommit=True) as conn:
        while (row := conn.execute(_QUERIES["fetch"]).fetchone()) is not None:
            conn.execute(_QUERIES["complete"], {"id": row[0]})
            jobs += 1
    return jobs


def throughput(address: str) -> float:
    """Jobs a second until the queue is empty."""
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute("TRUNCATE graphile_worker._private_jobs")
        conn.execute(_QUERIES["fill"], {"jobs": JOBS})
        conn.execute("VACUUM ANALYZE graphile_worker._private_jobs")
        conn.execute("CHECKPOINT")
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        done = sum(clients.map(_work, [address] * CLIENTS))
    seconds = time.monotonic() - began
    if done != JOBS:
        raise AssertionError(f"{done} jobs were done, not {JOBS}")
    return JOBS / seconds


def seconds_in_triggers(address: str) -> float:
    """What PostgreSQL itself says a completion spends in triggers, on average."""
    seconds = []
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(_QUERIES["fill"], {"jobs": JOBS})
        while (row := conn.execute(_QUERIES["fetch"]).fetchone()) is not None:
            [plan] = conn.execute(_QUERIES["explain_complete"], {"id": row[0]}).fetchall()
            seconds.append(sum(trigger["Time"] for trigger in plan[0][0]["Triggers"]) / 1000)
    return statistics.fmean(seconds)


@contextmanager
def queue() -> Iterator[Source]:
    """A fresh Graphile Worker queue."""
    with EmbeddedPostgres.start(settings={"synchronous_commit": "off"}) as server:
        address = server.url("postgres")
        make_tables(address)
        source = Source(name="main", engine="graphile", dsn=SecretStr(address))
        migrate([source], lambda line: None)
        yield source


@ends_with_its_reader
def main() -> int:
    """Print jobs a second of each round and their medians."""
    argparse.ArgumentParser(prog="python -m bench.recorder", description=__doc__).parse_args()
    without, recorded = [], []
    with queue() as source:
        address = source.dsn.get_secret_value()
        for _ in range(ROUNDS):
            remove_recorders([source], lambda line: None)
            without.append(throughput(address))
            record_completions([source], lambda line: None)
            recorded.append(throughput(address))
            with psycopg.connect(address) as conn:
                if conn.execute(_QUERIES["recorded"]).fetchone() != (JOBS,):
                    raise AssertionError("not every job was recorded")
            print(f"without {without[-1]:6.0f}/s   recorded {recorded[-1]:6.0f}/s", flush=True)
        in_triggers = seconds_in_triggers(address)
    plain, kept = statistics.median(without), statistics.median(recorded)
    print(f"median  {plain:6.0f}/s   recorded {kept:6.0f}/s   {kept / plain - 1:+.1%}")
    print(f"{1e6 * in_triggers:.0f} us a job in triggers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
