"""Starts the demo's programs, waits until they serve, and notices when one ends by itself."""

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Self

from demo.processes import Child

_READY_WITHIN = 60.0
_LOOKS_EVERY = 0.1


class ProgramFailed(Exception):  # noqa: N818 -- it says what happened
    """A program didn't start, or ended by itself; says which, with the end of its log and where the rest is."""


class Stopped(Exception):  # noqa: N818 -- nothing is wrong
    """Somebody asked us to stop."""


class Supervisor:
    """Programs that run together, as a context manager: at its end they are stopped, the newest first.

    Their logs go into a temporary directory, which stays when one of them failed.
    """

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix="system-status-demo-"))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for child in reversed(self._children):
            child.stop()
        if kind is None or not issubclass(kind, ProgramFailed):
            shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        """Run a program that ends soon. Raises ``ProgramFailed``, ``Stopped``."""
        child = self.start(name, command, environment)
        while child.exit_code is None:
            self._pause()
        self._children.remove(child)
        child.stop()
        if child.exit_code:
            raise _failed(child)

    def start(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], *, aloud: bool = False
    ) -> Child:
        """Start a program that goes on; if *aloud*, it writes where we do and not into a log."""
        log = None if aloud else self.directory / f"{name}.log"
        child = Child.start(name, command, log=log, environment=environment)
        self._children.append(child)
        return child

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Wait for something that the programs bring about. Raises ``ProgramFailed``, ``Stopped``."""
        deadline = time.monotonic() + _READY_WITHIN
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise ProgramFailed(f"{what} wasn't ready within {_READY_WITHIN:g} s; logs: {self.directory}")
            self._pause()

    def watch(self, also: Callable[[], object]) -> None:
        """Wait for ever, and look *also* at something else. Raises ``ProgramFailed``, ``Stopped``."""
        while True:
            self.check()
            also()
            self._pause()

    def check(self) -> None:
        """Raise ``ProgramFailed`` when a program has ended, ``Stopped`` when all shall."""
        if self._stop.is_set():
            raise Stopped
        for child in self._children:
            if child.exit_code is not None:
                raise _failed(child)

    def _pause(self) -> None:
        if self._stop.wait(_LOOKS_EVERY):
            raise Stopped


def _failed(child: Child) -> ProgramFailed:
    return ProgramFailed(
        f"{child.name} ended with exit code {child.exit_code}; the end of {child.log}:\n{child.last_words()}"
    )
