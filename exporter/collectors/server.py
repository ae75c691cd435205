"""Whether a source answers, and with what."""

from collections.abc import Callable

from exporter.abilities import Abilities
from exporter.database import Database
from exporter.samples import Sample, Samples
from jobqueue.catalogue import FOLDED, SOURCE_CAPABILITY, SOURCE_INFO
from jobqueue.engine import Capability, Engine


class ServerCollector:
    """Versions of the server and of the queue software, and what they make possible."""

    name = "server"
    share = 0.0005

    def __init__(self, engine: Engine, queue: Database, abilities: Abilities, folded: Callable[[], int]) -> None:
        self._engine = engine
        self._queue = queue
        self._abilities = abilities
        self._folded = folded

    async def collect(self) -> Samples:
        """Ask for the versions."""
        async with self._queue.transaction() as conn:
            server_version = conn.info.parameter_status("server_version") or ""
            await self._abilities.read(conn)
            engine_version = await self._engine.reader.engine_version(conn)
        return (
            Sample(SOURCE_INFO, (self._engine.name, engine_version, server_version), 1),
            *(Sample(SOURCE_CAPABILITY, (each,), self._abilities.can(each)) for each in Capability),
            Sample(FOLDED, ("job_types",), self._folded()),
        )
