"""Child processes that never outlive us, not even when we are killed."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_STOPPED_WITHIN = 10.0
_WATCHDOG = Path(__file__).with_name("watchdog.sh")


class Watchdog:
    """Sends *by* to the process *pid* when we die without a word, and then removes *directory*."""

    def __init__(self, pid: int, by: signal.Signals, directory: Path | None = None) -> None:
        self._process = subprocess.Popen(
            ["sh", _WATCHDOG, str(pid), by.name.removeprefix("SIG"), *([directory] if directory else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Send it home: the process has ended."""
        self._process.communicate(b"stopped\n")


@dataclass(slots=True)
class Child:
    """A command that runs beside us; its output goes to *log*, or where ours goes."""

    name: str
    log: Path | None
    _process: subprocess.Popen[bytes]
    _watchdog: Watchdog | None

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start *command* in a session of its own, so that Ctrl-C comes to us alone.

        *environment* is all that it gets; ours if None.
        """
        output = None if log is None else log.open("ab")
        try:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            if output is not None:
                output.close()
        return cls(name, log, process, Watchdog(process.pid, signal.SIGTERM))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """Send SIGTERM, and don't wait."""
        self._process.terminate()

    def stop(self, within: float = _STOPPED_WITHIN) -> None:
        """Ask it to end, and kill it if it doesn't *within* seconds."""
        self.ask_to_end()
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._bury()

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        self._process.kill()
        self._bury()

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        if self.log is None:
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _bury(self) -> None:
        self._process.wait()
        if self._watchdog is not None:
            self._watchdog.dismiss()
            self._watchdog = None


def stop_all(children: Sequence[Child], within: float = _STOPPED_WITHIN) -> None:
    """Ask all of *children* to end at the same time, and wait for them."""
    for child in children:
        child.ask_to_end()
    for child in children:
        child.stop(within)
