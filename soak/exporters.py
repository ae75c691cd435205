"""``python -m exporter`` as a process that ends, dies, stands still and comes back."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import time

from aiohttp import ClientError, ClientSession, ClientTimeout

from demo.processes import Child
from tests.exporter.scrape import OPENMETRICS

_TIMEOUT = 5.0
_ASKED = re.compile(r'^jobqueue_collector_success\{collector="(\w+)",source="([\w-]+)"\}', re.M)
_READ = re.compile(
    r'^jobqueue_collector_last_success_timestamp_seconds\{collector="(\w+)",source="([\w-]+)"\} (\S+)$', re.M
)
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)
_BEFORE, _BEHIND = 6.0, 4.0
"""What an exporter read just before it died nobody scraped; what it reads just after it began is scraped later."""

Spans = defaultdict[str, list[tuple[float, float]]]


@dataclass(slots=True)
class Exporter:
    """One of the two, in lives."""

    name: str
    configuration: Path
    port: int = field(default_factory=lambda: free_port())
    blind: Spans = field(default_factory=lambda: defaultdict(list))
    """By source the spans of time whose runs Prometheus may not have from this one."""
    died: list[str] = field(default_factory=list)
    """Last words of lives that nobody ended."""
    _child: Child | None = None
    _read_until: dict[str, float] = field(default_factory=dict)
    _blind_since: dict[str, float] = field(default_factory=dict)
    _stopped: bool = False
    _ending: Lock = field(default_factory=Lock)

    def start(self) -> None:
        """Begin a life."""
        environment = {
            **os.environ,
            "SYSTEM_STATUS_CONFIG": str(self.configuration),
            "EXPORTER_HOST": "127.0.0.1",
            "EXPORTER_PORT": str(self.port),
            "LOG_FORMAT": "json",
        }
        log = self.configuration.with_name(f"{self.name}.log")
        self._child = Child.start(self.name, [sys.executable, "-m", "exporter"], log=log, environment=environment)

    def end(self, *, kill: bool = False) -> None:
        """End it, with or without a chance to say goodbye."""
        with self._ending:
            self._note_death()
            if self._child is None:
                return
            for source, moment in self._read_until.items():
                self._blind_since.setdefault(source, moment - _BEFORE)
            self._read_until.clear()
            self.go_on()
            if kill:
                self._child.kill()
            else:
                self._child.stop()
            self._child = None

    def stand_still(self) -> None:
        """Stop it in the middle of whatever it does."""
        if self._child is not None:
            os.kill(self._child.pid, signal.SIGSTOP)
            self._stopped = True

    def go_on(self) -> None:
        """Let it go on."""
        if self._child is not None and self._stopped:
            os.kill(self._child.pid, signal.SIGCONT)
        self._stopped = False

    def look(self) -> None:
        """Note a death that nobody meant; what is being ended in another thread dies as it should."""
        if self._ending.acquire(blocking=False):
            try:
                self._note_death()
            finally:
                self._ending.release()

    def _note_death(self) -> None:
        if self._child is not None and self._child.exit_code is not None:
            self.died.append(f"{self.name} ended by itself with {self._child.exit_code}:\n{self._child.last_words()}")
            self._child.stop()
            self._child = None

    async def note_sight(self) -> None:
        """See up to when each source's runs are read; where one is read again its blind span ends."""
        child = self._child
        read = await self.read_at("runs")
        if read is None or child is not self._child:
            return
        for (source, _), moment in read.items():
            if moment:
                self._read_until[source] = moment
                if source in self._blind_since:
                    self.blind[source].append((self._blind_since.pop(source), time() + _BEHIND))

    async def page(self) -> str | None:
        """What it serves; None while it doesn't answer."""
        try:
            async with (
                ClientSession(timeout=ClientTimeout(_TIMEOUT)) as client,
                client.get(f"http://127.0.0.1:{self.port}/metrics", headers={"Accept": OPENMETRICS}) as response,
            ):
                return await response.text() if response.ok else None
        except (ClientError, TimeoutError, OSError):
            return None

    async def read_at(self, collector: str | None = None) -> dict[tuple[str, str], float] | None:
        """When each collector last read its source, or only one of them did, 0 for never.

        None while it doesn't answer.
        """
        page = await self.page()
        if page is None:
            return None
        found = {(source, name): 0.0 for name, source in _ASKED.findall(page)}
        found |= {(source, name): float(moment) for name, source, moment in _READ.findall(page)}
        return {key: moment for key, moment in found.items() if collector in (None, key[1])}

    def megabytes(self) -> float:
        """Its memory; 0 while it doesn't run, as a process that has just ended has none."""
        child = self._child
        try:
            status = Path(f"/proc/{child.pid}/status").read_text() if child is not None else ""
        except OSError:
            return 0.0
        found = _RESIDENT.search(status)
        return int(found[1]) / 1024 if found else 0.0


@contextmanager
def exporters(configuration: Path) -> Iterator[tuple[Exporter, Exporter]]:
    """Have two over the same sources and tables."""
    both = (Exporter("exporter-1", configuration), Exporter("exporter-2", configuration))
    try:
        for each in both:
            each.start()
        yield both
    finally:
        for each in both:
            each.end(kill=True)


async def read_since(both: tuple[Exporter, ...], moment: float, seconds: float, collector: str | None = None) -> bool:
    """Wait until every collector of both, or one of them, has read all sources after *moment*.

    False when that takes longer than *seconds*.
    """
    end = time() + seconds
    while time() < end:
        read = [await each.read_at(collector) for each in both]
        if all(times and min(times.values()) > moment for times in read):
            return True
        await asyncio.sleep(1)
    return False


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
