"""``python -m demo.engines.pgboss install | run``."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack

from demo.engines.pgboss.boss import boss
from demo.engines.work import CLICKED, CONCURRENCY, RECURRING, RETRY_SECONDS, WORKERS, Kind, keep_clicking

_OPTIONS = {"useListenNotify": True, "instanceHeartbeatSeconds": 10}


async def _install(address: str) -> None:
    async with boss(address, {"schedule": False}) as client:
        for name in [kind.name for kind in CLICKED] + [name for name, _, _ in RECURRING]:
            await client.call("createQueue", name, {"notify": True, "retryDelay": RETRY_SECONDS})
        for name, cron, _ in RECURRING:
            await client.call("schedule", name, cron, {"seconds": 2.0})


async def _run(address: str) -> None:
    async with AsyncExitStack() as ending:
        clients = [await ending.enter_async_context(boss(address, _OPTIONS)) for _ in range(WORKERS)]
        for client in clients:
            for name in [kind.name for kind in CLICKED] + [name for name, _, _ in RECURRING]:
                options = {"localConcurrency": CONCURRENCY, "notifyPollingIntervalSeconds": 2}
                await client.call("work", name, options)

        async def enqueue(kind: Kind) -> object:
            options = {"retryLimit": kind.retries, **({"startAfter": int(kind.delay)} if kind.delay else {})}
            return await clients[0].call("send", kind.name, kind.told(), options)

        await keep_clicking(enqueue)


COMMANDS = {"install": _install, "run": _run}

if __name__ == "__main__":
    asyncio.run(COMMANDS[sys.argv[1]](os.environ["DATABASE_URL"]))
