"""Oban for Python, told what to do; runs with the Python of ``.cache/oban``.

Each line of standard input is ``{"id", "call", "args"}``, a method of ``Told``; each line of standard output an answer,
``{"id", "result"}`` or ``{"id", "error"}``. A job does what its arguments say: ``{"seconds": how long, "failures": how
many attempts fail, "pause": seconds before the next attempt}``. Ends with standard input.

    python program.py CONNECTION_STRING NAME...
"""

import asyncio
import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from oban import Job, Oban
from oban._scheduler import register_scheduled
from oban.job import JobState
from oban.schema import install
from oban.worker import _registry

_STOPS_WITHIN = 0.1


class AsTold:
    """Oban's worker of every name."""

    async def process(self, job: Job) -> None:
        """Take the time that was told, or fail."""
        await asyncio.sleep(job.args.get("seconds", 0))
        fails = job.attempt <= job.args.get("failures", 0)
        _note(job, "failed" if fails else "completed")
        if fails:
            raise RuntimeError("failed as told")

    def backoff(self, job: Job) -> int:
        """Seconds until the next attempt."""
        return int(job.args.get("pause", 0))


class Told:
    """What can be called."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._client = Oban(pool=pool, name="client", node="client")
        self._working: Oban | None = None
        self._recurs = False

    async def install(self) -> None:
        """Make Oban's tables."""
        await install(self._pool)

    async def enqueue(self, name: str, args: dict[str, Any], options: dict[str, Any]) -> int | None:
        """Queue a job; *options* are those of a Job. Answers its id."""
        job_id: int | None = (await self._client.enqueue(Job(name, args=args, **options))).id
        return job_id

    async def cancel(self, job_id: int) -> None:
        """Cancel a job."""
        await self._client.cancel_job(job_id)

    async def recur(self, name: str, cron: str, queue: str) -> None:
        """Have a job recur, while there are workers."""

        class Recurring(AsTold):
            @staticmethod
            def new() -> Job:
                return Job(name, queue=queue)

        register_scheduled(cron, Recurring)
        self._recurs = True

    async def work(self, queues: dict[str, int], node: str) -> None:
        """Begin to work on *queues*, so many jobs at once; what recurs has its tick of this minute at once."""
        self._working = Oban(pool=self._pool, name=node, node=node, queues=queues, shutdown_grace_period=_STOPS_WITHIN)
        await self._working.start()
        if self._recurs:  # its scheduler begins with the next minute
            await self._working._scheduler._evaluate(datetime.now(UTC).replace(second=0, microsecond=0))

    async def rest(self) -> None:
        """End the work."""
        if self._working is not None:
            await self._working.stop()
        self._working = None

    async def count(self) -> list[tuple[str, str, int]]:
        """Answer how many jobs there are, by worker and state."""
        jobs = Counter((job.worker, str(job.state)) for job in await self._client._query.all_jobs(list(JobState)))
        return [(name, state, number) for (name, state), number in jobs.items()]


def _note(job: Job, outcome: str) -> None:
    """As ``demo/engines/diary.py`` says; that is a module of another Python."""
    if file := os.environ.get("WORK_DIARY"):
        database = urlsplit(sys.argv[1]).path.removeprefix("/")
        with Path(file).open("a") as diary:
            diary.write(f"{database} {job.id} {outcome}\n")


async def _answer(told: Told, line: bytes) -> None:
    asked = json.loads(line)
    try:
        answer = {"result": await getattr(told, asked["call"])(*asked["args"])}
    except Exception as error:  # noqa: BLE001 -- whoever asked is told
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"id": asked["id"], **answer}), flush=True)


async def _main(address: str, *names: str) -> None:
    _registry.update(dict.fromkeys(names, AsTold))
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    pool = await Oban.create_pool(address, min_size=1, max_size=10)
    told = Told(pool)
    answering = set()
    async for line in lines:
        task = asyncio.create_task(_answer(told, line))
        answering.add(task)
        task.add_done_callback(answering.discard)
    await told.rest()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
