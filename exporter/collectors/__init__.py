"""One question to a source each: a collector reads, and answers with samples."""

from typing import Protocol

from exporter.samples import Samples


class Collector(Protocol):
    """Reads one thing; the poller times it, guards it and decides when it is asked again."""

    name: str
    """Value of the label ``collector``."""
    share: float
    """The part of one core of the database that its reads may take; a slow one is asked less often."""

    async def collect(self) -> Samples:
        """Read, and make the samples that replace the last ones; raises what reading raises."""
