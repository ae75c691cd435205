"""The platform's processes: who there is, and that one of them goes away now and then."""

import asyncio
import contextlib
import os
import random
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from demo.platform.chaos import Chaos, reigns
from demo.platform.connection import QUERIES, Conn
from demo.platform.presence import Identity, Mode
from demo.processes import Child, stop_all

log = structlog.get_logger()

NEW, OLD = "4.12.0", "4.11.3"

_FIRST_LOSS = 180.0
_NEXT_LOSS = (900.0, 1500.0)
_AWAY = (100.0, 200.0)
_PATIENCE = 120.0
_LOOKS_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a process of the platform runs; a new process there has a new id."""

    name: str
    mode: Mode
    version: str = NEW

    def identity(self) -> Identity:
        """Make up who runs here next."""
        return Identity(
            id=f"{self.name}-{secrets.token_hex(3)}",
            hostname=f"{self.name}.ascent.internal",
            mode=self.mode,
            version=self.version,
        )


def machines(workers: int) -> Sequence[Machine]:
    """All machines of a platform with so many workers; the last one missed the newest release."""
    names = [f"worker-{number}" for number in range(1, workers + 1)]
    return [
        Machine("app-1", "server"),
        Machine("app-2", "all"),
        *(Machine(name, "worker", OLD if name == names[-1] else NEW) for name in names),
    ]


class ProcessEnded(Exception):  # noqa: N818 -- it says what happened
    """A process of the platform ended though nobody asked it to."""


class Fleet:
    """One running process on each machine."""

    def __init__(self, address: str, workers: int, speed: float) -> None:
        self._address = address
        self._speed = speed
        self._machines = machines(workers)
        self._identities: dict[Machine, Identity] = {}
        self._children: dict[Machine, Child] = {}

    def start(self) -> None:
        """Start a process on every machine."""
        for machine in self._machines:
            self._start(machine)

    def stop(self) -> None:
        """Let every process end cleanly."""
        stop_all(list(self._children.values()), within=3.0)
        self._children.clear()

    async def watch(self) -> None:
        """Look after the processes, for ever; raises ``ProcessEnded``."""
        while True:
            for machine, child in self._children.items():
                if child.exit_code is not None:
                    raise ProcessEnded(f"{self._identities[machine].id} ended with exit code {child.exit_code}")
            await asyncio.sleep(_LOOKS_EVERY)

    async def lose_one_now_and_then(self, conn: Conn) -> None:
        """Kill a worker in the middle of a job, for ever; a new one takes its place after a while."""
        await asyncio.sleep(_FIRST_LOSS / self._speed)
        while True:
            workers = [each for each in self._children if each.mode == "worker"]
            if not workers:
                await asyncio.sleep(_LOOKS_EVERY)
                continue
            machine = random.choice(workers)
            await self._until_busy(conn, self._identities[machine])
            self._lose(machine)
            await asyncio.sleep(random.uniform(*_AWAY) / self._speed)
            self._start(machine)
            await asyncio.sleep(random.uniform(*_NEXT_LOSS) / self._speed)

    async def die_of_chaos(self) -> None:
        """Kill all that run jobs whenever they shall be dead, for ever; all machines work again afterwards."""
        dead = False
        while True:
            if reigns(Chaos.DEAD_WORKERS):
                dead = True
                for machine in [each for each in self._children if each.mode != "server"]:
                    self._lose(machine)
            elif dead:
                dead = False
                for machine in self._machines:
                    self._start(machine)
            await asyncio.sleep(_LOOKS_EVERY)

    def _lose(self, machine: Machine) -> None:
        if machine in self._children:
            self._children.pop(machine).kill()
            log.info("worker.lost", worker=self._identities[machine].id)

    def _start(self, machine: Machine) -> None:
        if machine in self._children or (machine.mode != "server" and reigns(Chaos.DEAD_WORKERS)):
            return
        me = self._identities[machine] = machine.identity()
        command = [sys.executable, "-m", "demo.platform.process", me.id, me.hostname, me.mode, me.version]
        environment = {**os.environ, "DATABASE_URL": self._address}
        self._children[machine] = Child.start(me.id, [*command, str(self._speed)], environment=environment)

    async def _until_busy(self, conn: Conn, identity: Identity) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE / self._speed):
                while True:
                    row = await (await conn.execute(QUERIES["busy"], {"id": identity.id})).fetchone()
                    if row is not None and row["busy"]:
                        return
                    await asyncio.sleep(_LOOKS_EVERY / self._speed)
