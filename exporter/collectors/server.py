"""Whether a source answers, and with what."""

from collections.abc import Callable

from exporter.database import Database
from exporter.samples import Sample, Samples
from jobqueue.catalogue import JOB_TYPES_FOLDED, SOURCE_INFO
from jobqueue.engine import Engine


class ServerCollector:
    """Versions of the server and of the queue software."""

    name = "server"
    share = 0.0005

    def __init__(self, engine: Engine, queue: Database, folded: Callable[[], int]) -> None:
        self._engine = engine
        self._queue = queue
        self._folded = folded

    async def collect(self) -> Samples:
        """Ask for the versions."""
        async with self._queue.transaction() as conn:
            server_version = conn.info.parameter_status("server_version") or ""
            engine_version = await self._engine.reader.engine_version(conn)
        return (
            Sample(SOURCE_INFO, (self._engine.name, engine_version, server_version), 1),
            Sample(JOB_TYPES_FOLDED, (), self._folded()),
        )
