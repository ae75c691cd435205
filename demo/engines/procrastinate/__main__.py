"""``python -m demo.engines.procrastinate install | run | worker``."""

import asyncio
import os
import sys

from procrastinate import App

from demo.engines.procrastinate.app import app, install
from demo.engines.work import CLICKED, CONCURRENCY, RECURRING, RETRY_SECONDS, WORKERS, Kind, keep_clicking
from demo.processes import Child, stop_all


def _app(address: str) -> App:
    made = app(address, [kind.name for kind in CLICKED] + [name for name, _, _ in RECURRING])
    for name, cron, _ in RECURRING:
        made.periodic(cron=cron)(made.tasks[name])
    return made


async def _run(address: str) -> None:
    command = [sys.executable, "-m", "demo.engines.procrastinate", "worker"]
    workers = [Child.start(f"worker-{number}", command) for number in range(WORKERS)]
    made = _app(address)

    async def enqueue(kind: Kind) -> int:
        task = made.tasks[kind.name].configure(schedule_in={"seconds": int(kind.delay)} if kind.delay else None)
        return await task.defer_async(**kind.told(), retries=kind.retries, pause=RETRY_SECONDS)

    try:
        async with made.open_async():
            await keep_clicking(enqueue)
    finally:
        stop_all(workers, within=3.0)


async def _work(address: str) -> None:
    made = _app(address)
    async with made.open_async():
        await made.run_worker_async(concurrency=CONCURRENCY, shutdown_graceful_timeout=1.0)


COMMANDS = {"install": install, "run": _run, "worker": _work}

if __name__ == "__main__":
    asyncio.run(COMMANDS[sys.argv[1]](os.environ["DATABASE_URL"]))
