"""An App of procrastinate whose tasks do what they are told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

import psycopg
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job

from demo.engines.diary import note
from jobqueue.engines import open_engine


class ToldError(Exception):
    """What a task raises that is told to fail."""


class AsTold(BaseRetryStrategy):
    """As often, and after such a pause in seconds, as the job's own arguments say."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Say whether and when it is tried again."""
        if job.attempts >= int(str(job.task_kwargs.get("retries", 0))):
            return None
        return RetryDecision(retry_in={"milliseconds": int(1000 * float(str(job.task_kwargs["pause"])))})


def app(address: str, names: Iterable[str]) -> App:
    """Make an App with a task, and a queue of the same name, for each of *names*."""
    made = App(connector=PsycopgConnector(conninfo=address, max_size=5))
    work = _work(urlsplit(address).path.removeprefix("/"))
    for name in names:
        made.task(name=name, queue=name, retry=AsTold(), pass_context=True)(work)
    return made


async def install(address: str) -> None:
    """Make its tables, and the index that ours asks for."""
    made = app(address, ())
    async with made.open_async():
        await made.schema_manager.apply_schema_async()
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as conn:
        for index in open_engine("procrastinate", None).indexes:
            await conn.execute(index.definition)


def _work(database: str) -> Callable[..., Awaitable[None]]:
    async def work(
        context: JobContext,
        timestamp: int = 0,
        *,
        seconds: float = 0.0,
        failures: int = 0,
        retries: int = 0,
        pause: float = 0.0,
    ) -> None:
        await asyncio.sleep(seconds)
        fails = context.job.attempts < failures
        note(database, context.job.id, failed=fails)
        if fails:
            raise ToldError

    return work
