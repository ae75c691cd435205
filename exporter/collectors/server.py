"""Whether a source answers, and with what."""

from collections.abc import Callable
from contextlib import suppress

from psycopg import Error

from exporter.abilities import Abilities
from exporter.database import Database
from exporter.identity import SourceIdentity
from exporter.replay import Replay
from exporter.samples import Sample, Samples
from jobqueue.catalogue import FOLDED, REPLAY_LAG, SOURCE_CAPABILITY, SOURCE_INFO
from jobqueue.engine import Capability, Engine


class ServerCollector:
    """Versions of the server and of the queue software, and what they make possible."""

    name = "server"
    share = 0.0005

    def __init__(
        self,
        engine: Engine,
        queue: Database,
        store: Database,
        identity: SourceIdentity,
        abilities: Abilities,
        replay: Replay,
        folded: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._store = store
        self._identity = identity
        self._abilities = abilities
        self._replay = replay
        self._folded = folded

    async def collect(self) -> Samples:
        """Ask for the versions, how far a standby is behind, and whether the source's name stands for this queue."""
        async with self._queue.transaction() as conn:
            await self._identity.see(conn)
            server_version = conn.info.parameter_status("server_version") or ""
            lag = await self._replay.look(conn)
            await self._abilities.read(conn)
            engine_version = await self._engine.reader.engine_version(conn)
        with suppress(Error):  # tables of ours that can't be read say so in collector store
            async with self._store.transaction():
                pass
        return (
            Sample(SOURCE_INFO, (self._engine.name, engine_version, server_version), 1),
            *(Sample(SOURCE_CAPABILITY, (each,), self._abilities.can(each)) for each in Capability),
            Sample(FOLDED, ("job_types",), self._folded()),
            *([] if lag is None else [Sample(REPLAY_LAG, (), lag.total_seconds())]),
        )
