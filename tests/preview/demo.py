"""A whole demo of our own, on ports of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

from demo.ports import Ports
from tests.demo.test_demo import descendants, free_port

ROOT = Path(__file__).parents[2]
_STARTS_WITHIN = 300.0


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: where the page is, where what is behind it is, and its database."""

    pid: int
    port: int
    control_port: int
    prometheus_port: int
    database: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def platform_stopped(self) -> Iterator[None]:
        """Nothing happens on the platform meanwhile: its processes are stopped, not ended."""
        [platform] = [pid for pid, command in descendants(self.pid).items() if "demo platform" in command]
        processes = [platform, *descendants(platform)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in reversed(processes):
                os.kill(process, signal.SIGCONT)


@contextmanager
def running_demo() -> Iterator[Demo]:
    ports = {field.name: free_port() for field in fields(Ports)}
    options = [f"--{name}-port={port}" for name, port in ports.items()]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    with (
        TemporaryDirectory(dir="/tmp") as folder,
        subprocess.Popen(
            [sys.executable, "-m", "demo", *options, "--speed", "3"],
            cwd=ROOT,
            env=environment | {"TMPDIR": folder},
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        Path(folder).chmod(0o711)  # for the account of the demo's PostgreSQL
        try:
            told = _told(process)
            assert told["dashboards"].startswith("http"), told["dashboards"]
            yield Demo(process.pid, ports["preview"], ports["control"], ports["prometheus"], told["PostgreSQL"])
        finally:
            process.terminate()


def _told(process: subprocess.Popen[str]) -> dict[str, str]:
    """What it says by subject, the last word of each, until everything runs."""
    guard = Timer(_STARTS_WITHIN, process.kill)
    guard.start()
    told = {}
    assert process.stdout is not None
    for line in process.stdout:
        subject, _, text = line.strip().partition(" ")
        told[subject] = text.strip()
        if subject == "stop":
            break
    guard.cancel()
    return told
