"""pg-boss from Python: a process of Node.js whose PgBoss object does what it is told."""

import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from demo.engines.program import Program, ProgramError, started

PACKAGES = Path(__file__).parents[3] / ".cache/pgboss"
_PROGRAM = Path(__file__).with_name("boss.mjs")


def node() -> str:
    """The Node.js that came with the packages, or the machine's. Raises ``ProgramError``."""
    for found in PACKAGES.glob("node_modules/node-*/bin/node"):
        return str(found)
    found_on_path = shutil.which("node")
    if found_on_path is None or not (PACKAGES / "made").exists():
        raise ProgramError("pg-boss isn't installed: make .cache/pgboss/made")
    return found_on_path


@asynccontextmanager
async def boss(address: str, options: Mapping[str, object], package: str = "pg-boss") -> AsyncIterator[Program]:
    """A started PgBoss object with *options* over the database at *address*; its methods are what can be called."""
    command = [node(), str(_PROGRAM), str(PACKAGES), package, address, json.dumps(options)]
    async with started(command) as program:
        await program.call("start")
        yield program
