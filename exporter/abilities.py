"""What a source's engine makes possible, as it was read last."""

from collections.abc import Callable, Mapping

import structlog

from exporter.trouble import ExplainedError, reason_of
from jobqueue.engine import Capability, Conn, QueueReader
from jobqueue.reasons import Reason

log = structlog.get_logger()

Can = Callable[[Capability], bool]
"""Whether the engine makes something possible; raises ``NotReadError`` before that was read."""


class NotReadError(ExplainedError):
    """What the engine makes possible hasn't been read yet, so nobody knows what may be shown."""


class Abilities:
    """Shared by the collectors of one source: the one that reads the versions fills it, the others ask."""

    def __init__(self, reader: QueueReader) -> None:
        self._reader = reader
        self._lacking: Mapping[Capability, str] | None = None
        self._reason = Reason.OTHER

    async def read(self, conn: Conn) -> None:
        """Look at the tables, whose version may have changed."""
        try:
            lacking = await self._reader.lacking(conn)
        except Exception as error:
            self._reason = reason_of(error)
            raise
        if lacking != (self._lacking or {}):
            log.info("capabilities.lacking", **{str(capability): why for capability, why in lacking.items()})
        self._lacking = lacking

    def can(self, capability: Capability) -> bool:
        """Whether the engine makes something possible, see ``Can``."""
        if self._lacking is None:
            raise NotReadError("what the engine makes possible isn't known yet, see collector server", self._reason)
        return capability not in self._lacking
