"""All that is at work in a soak, and who is busy with which part of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from jobqueue.sql import load
from soak.exporters import Exporter
from soak.plan import Plan
from soak.servers import Place, Servers, ask
from soak.workers import Workers

ROWS = load("soak", "rows.sql")


class NotNowError(Exception):
    """Somebody else is at it, or what is needed isn't there now."""


@dataclass(slots=True)
class Stage:
    """What the monkey plays with."""

    plan: Plan
    servers: Servers
    exporters: tuple[Exporter, Exporter]
    workers: Mapping[str, Workers]
    _taken: set[str] = field(default_factory=set)

    @contextmanager
    def alone_with(self, *names: str) -> Iterator[None]:
        """Keep all others away. Raises ``NotNowError``."""
        if self._taken & set(names):
            raise NotNowError
        self._taken |= set(names)
        try:
            yield
        finally:
            self._taken -= set(names)

    async def counted_until(self, place: Place) -> datetime:
        """Up to when the ends of a source are in the memory of both exporters, and in our tables.

        Raises ``NotNowError`` while nobody can say so.
        """
        kept = await ask(self.servers.ours, ROWS["polled_at"])
        moments: list[datetime] = [row["polled_at"] for row in kept if row["source"] == place.name]
        for exporter in self.exporters:
            read = await exporter.read_at("runs")
            if read is None or (place.name, "runs") not in read:
                raise NotNowError
            moments.append(datetime.fromtimestamp(read[place.name, "runs"], UTC))
        if len(moments) < 1 + len(self.exporters):
            raise NotNowError
        return min(moments) - timedelta(seconds=self.plan.latest + self.plan.poll_interval)
