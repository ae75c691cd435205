"""The two exporters as they really run: processes that are scraped over HTTP."""

import http.client
import json
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from bench.meter import cpu_seconds, resident_megabytes
from demo.processes import Child

_ROOT = Path(__file__).parents[1]
_PACKAGE = "prometheus-postgres-exporter"
_FETCHED = _ROOT / f".tools/{_PACKAGE}/usr/bin/{_PACKAGE}"
_READY_WITHIN = 300.0
COLLECTORS = ("server", "schedules", "workers", "active", "ready", "runs", "store", "live", "finished")
_TIMEOUT = 60.0

PLAIN: Mapping[str, str] = {}
OPENMETRICS: Mapping[str, str] = {
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
}
AS_PROMETHEUS: Mapping[str, str] = {**OPENMETRICS, "Accept-Encoding": "gzip"}


class ProgramError(Exception):
    """A program that is measured isn't there, or has ended."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer to ``GET /metrics``."""

    seconds: float
    page: bytes


@dataclass(frozen=True, slots=True)
class Program:
    """A running exporter."""

    port: int
    _child: Child

    def scrape(self, headers: Mapping[str, str] = PLAIN) -> Scrape:
        """Get the page on a new connection; the time is that until its last byte. Raises ``ProgramError``."""
        began = monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT)
        try:
            connection.request("GET", "/metrics", headers=dict(headers))
            page = connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            raise ProgramError(f"{self._child.name} doesn't answer: {error}\n{self._child.last_words()}") from None
        finally:
            connection.close()
        return Scrape(monotonic() - began, page)

    def cpu_seconds(self) -> float:
        """Processor time that it has used so far."""
        return cpu_seconds([self._child.pid])

    def resident_megabytes(self) -> float:
        """Its memory."""
        return resident_megabytes(self._child.pid)

    def wait_until(self, *lines: bytes) -> None:
        """Wait until its page has a line beginning with each of *lines*. Raises ``ProgramError``."""
        deadline = monotonic() + _READY_WITHIN
        while True:
            if self._child.exit_code is not None:
                raise ProgramError(f"{self._child.name} has ended:\n{self._child.last_words()}")
            try:
                page = self.scrape(OPENMETRICS).page
            except ProgramError:
                page = b""
            if all(any(found.startswith(line) for found in page.splitlines()) for line in lines):
                return
            if monotonic() > deadline:
                raise ProgramError(f"{self._child.name} isn't ready:\n{self._child.last_words()}")
            sleep(0.2)


@contextmanager
def our_exporter(url: str, poll_interval: float) -> Iterator[Program]:
    """Run the exporter over *url*, ready when each of its collectors has succeeded."""
    with _folder() as folder:
        port = _free_port()
        configuration = {
            "sources": [{"name": "main", "dsn": url, "poll_interval": poll_interval, "scrape_interval": 0}],
            "listen": {"host": "127.0.0.1", "port": port},
            "log": {"level": "warning", "format": "console"},
        }
        (folder / "exporter.yaml").write_text(json.dumps(configuration))
        environment = {"PYTHONPATH": str(_ROOT), "SYSTEM_STATUS_CONFIG": str(folder / "exporter.yaml")}
        command = [sys.executable, "-m", "exporter"]
        with _running("exporter", command, port, folder, environment) as program:
            program.wait_until(
                *(f'jobqueue_collector_success{{collector="{name}",source="main"}} 1'.encode() for name in COLLECTORS)
            )
            yield program


def find_postgres_exporter() -> Path | None:
    """The program: that on the PATH, or a copy among the project's tools; None when there is neither."""
    found = shutil.which(_PACKAGE)
    if found is not None:
        return Path(found)
    return _FETCHED if _FETCHED.exists() else None


@contextmanager
def postgres_exporter(url: str) -> Iterator[Program]:
    """Run postgres_exporter over *url* with nothing but the custom queries. Raises ``ProgramError``."""
    program = find_postgres_exporter()
    if program is None:
        raise ProgramError(f"{_PACKAGE} isn't on PATH nor in .tools: run scripts/debian-tool {_PACKAGE}")
    with _folder() as folder:
        port = _free_port()
        command: list[str | Path] = [
            program,
            "--disable-default-metrics",
            "--disable-settings-metrics",
            "--no-collector.database",
            "--no-collector.bgwriter",
            f"--extend.query-path={Path(__file__).with_name('queries.yaml')}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        environment = {"DATA_SOURCE_NAME": f"{url}?sslmode=disable"}
        with _running("postgres_exporter", command, port, folder, environment) as running:
            running.wait_until(b"pg_up 1", b"job_last24h_p50_seconds")
            yield running


@contextmanager
def _running(
    name: str, command: Sequence[str | Path], port: int, folder: Path, environment: Mapping[str, str]
) -> Iterator[Program]:
    child = Child.start(name, command, log=folder / f"{name}.log", environment=environment)
    try:
        yield Program(port, child)
    finally:
        child.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
