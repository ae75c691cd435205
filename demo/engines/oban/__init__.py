"""Oban for Python: it needs a newer Python than ours, and has one of its own where the machine has one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from demo.engines.program import Program, ProgramError, started

_PLACE = Path(__file__).parents[3] / ".cache/oban"
_PROGRAM = Path(__file__).with_name("program.py")


def is_here() -> bool:
    """Whether the package is installed."""
    return (_PLACE / "made").exists()


@asynccontextmanager
async def oban(address: str, names: Sequence[str]) -> AsyncIterator[Program]:
    """An Oban over the database at *address* that knows workers of those *names*. Raises ``ProgramError``.

    What can be called stands in ``program.py``.
    """
    if not is_here():
        raise ProgramError("Oban isn't installed: make .cache/oban/made, with a Python 3.12 or newer")
    async with started([str(_PLACE / "bin/python"), str(_PROGRAM), address, *names]) as program:
        yield program
