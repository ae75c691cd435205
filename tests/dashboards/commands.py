"""A command of ``python -m dashboards``, as it was run."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


class Run(Protocol):
    def __call__(self, command: str, address: str, *options: str, **environment: str) -> Ended:
        """Run *command* on the Grafana at *address*."""
