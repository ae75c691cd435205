"""The /metrics page, written when something changed and not when it is asked for."""

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.exposition import Exposition

_REST_SECONDS = 1.0
_REST_TIMES = 4
_COMPRESSION = 1
"""Level 6 makes the page a third smaller and takes four times as long."""

_FORMATS: dict[str, tuple[Callable[[CollectorRegistry], bytes], str, bytes]] = {
    "text": (generate_latest, CONTENT_TYPE_PLAIN_0_0_4, b""),
    "openmetrics": (openmetrics.generate_latest, openmetrics.CONTENT_TYPE_LATEST, b"# EOF\n"),
}
"""What writes a page, its content type, and its end."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One format of the page."""

    content_type: str
    plain: bytes
    gzipped: bytes


class _Family(CollectorRegistry):
    """A registry of one family."""

    def __init__(self, families: list[Family]) -> None:
        super().__init__(auto_describe=False)
        self._families = families

    def collect(self) -> list[Family]:
        return self._families


class Page:
    """The rendered page in each format that was ever asked for.

    Rendering 200 job types takes longer than a scrape should, so it is done in a thread right after a read, with
    rests of some times as long (a second at most) in between, and a scrape gets the newest page there is.
    """

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition
        self._changed = asyncio.Event()
        self._rendered: dict[str, Rendered] = {}

    def changed(self) -> None:
        """Have the page written anew."""
        self._changed.set()

    async def get(self, accept: str) -> Rendered:
        """Answer the newest page, in OpenMetrics where *accept* names it."""
        form = "openmetrics" if "application/openmetrics-text" in accept else "text"
        if form not in self._rendered:
            self._rendered[form] = await asyncio.to_thread(self._render, form)
        return self._rendered[form]

    async def keep_fresh(self) -> None:
        """Write the page after changes, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            began = monotonic()
            for form in list(self._rendered):
                self._rendered[form] = await asyncio.to_thread(self._render, form)
            await asyncio.sleep(min(_REST_SECONDS, _REST_TIMES * (monotonic() - began)))

    def _render(self, form: str) -> Rendered:
        generate, content_type, end = _FORMATS[form]
        # Family by family: the lines of all of them take ten times the page, and where a name has an emoji forty times.
        plain = b"".join(
            [generate(_Family([family])).removesuffix(end) for family in self._exposition.collect()] + [end]
        )
        return Rendered(content_type, plain, gzip.compress(plain, _COMPRESSION, mtime=0))
