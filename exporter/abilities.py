"""What a source's engine makes possible, as it was read last."""

from collections.abc import Callable, Mapping

from jobqueue.engine import Capability, Conn, QueueReader

Can = Callable[[Capability], bool]
"""Whether the engine makes something possible; raises ``NotReadError`` before that was read."""


class NotReadError(Exception):
    """What the engine makes possible hasn't been read yet, so nobody knows what may be shown."""


class Abilities:
    """Shared by the collectors of one source: the one that reads the versions fills it, the others ask."""

    def __init__(self, reader: QueueReader) -> None:
        self._reader = reader
        self._lacking: Mapping[Capability, str] | None = None

    async def read(self, conn: Conn) -> None:
        """Look at the tables, whose version may have changed."""
        self._lacking = await self._reader.lacking(conn)

    def can(self, capability: Capability) -> bool:
        """Whether the engine makes something possible, see ``Can``."""
        if self._lacking is None:
            raise NotReadError("what the engine makes possible isn't known yet, see collector server")
        return capability not in self._lacking
