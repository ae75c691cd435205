"""What somebody costs: database time of a role's statements, processor time and memory of processes."""

import os
from collections.abc import Iterable
from pathlib import Path

import psycopg

from jobqueue.sql import load

_TICKS = os.sysconf("SC_CLK_TCK")
_USER_TICKS, _SYSTEM_TICKS, _CHILDREN_USER_TICKS, _CHILDREN_SYSTEM_TICKS = range(11, 15)
"""Where these stand in ``/proc/<pid>/stat`` behind the command's name."""


class Meter:
    """Reads what one role has cost so far; take the difference of two readings."""

    def __init__(self, conn: psycopg.Connection, role: str) -> None:
        self._conn = conn
        self._role = role
        self._queries = load("bench", "meter.sql")
        conn.execute(self._queries["extension"])

    def milliseconds(self, containing: str = "") -> float:
        """Database time, planning included, of the role's statements, or those of them *containing* a text."""
        values = {"role": self._role, "containing": containing}
        (spent,) = self._conn.execute(self._queries["spent"], values).fetchone() or (0.0,)
        return float(spent)

    def backends(self) -> list[int]:
        """The process ids of the role's connections."""
        return [pid for (pid,) in self._conn.execute(self._queries["backends"], {"role": self._role})]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that these processes have used."""
    return sum(_ticks(pid, _USER_TICKS, _SYSTEM_TICKS) for pid in pids) / _TICKS


def cpu_seconds_of_ended_children(pid: int) -> float:
    """Processor time of a process' children that have ended: parallel workers, when it is the postmaster."""
    return _ticks(pid, _CHILDREN_USER_TICKS, _CHILDREN_SYSTEM_TICKS) / _TICKS


def resident_megabytes(pid: int) -> float:
    """Memory of a process, as ``VmRSS`` has it."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


def _ticks(pid: int, *fields: int) -> int:
    values = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(values[field]) for field in fields)
