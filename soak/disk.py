"""A disk for our tables that can be full: a small tmpfs where we may mount one, else tables that refuse as if."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from demo.wheel import Account
from jobqueue.sql import load

_SIZE = "96m"
_BALLAST = "ballast"
_CHUNK = bytes(64 * 1024)
_QUERIES = load("soak", "disk.sql")


@dataclass(frozen=True, slots=True)
class Disk:
    """Where our tables are; without a *mount* of our own they refuse with the error of a full disk."""

    mount: Path | None

    @property
    def how(self) -> str:
        """How it is filled."""
        return "a tablespace on a tmpfs, filled" if self.mount else "imitated: triggers that raise disk_full"

    def make_database(self, address: str, name: str) -> None:
        """Make the database of our tables on it."""
        with psycopg.connect(address, autocommit=True) as conn:
            command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if self.mount:
                place = sql.Literal(str(self.mount / "tables"))
                conn.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(place))
                command += sql.SQL(" TABLESPACE small")
            conn.execute(command)

    def fill(self, address: str, name: str) -> None:
        """Let nothing more be written to the database *name*; *address* is another database of its server."""
        if self.mount:
            self._put_ballast(self.mount / _BALLAST)
        else:
            _run_in(address, name, _QUERIES["refuse"])

    def clear(self, address: str, name: str) -> None:
        """Make room again."""
        if self.mount:
            (self.mount / _BALLAST).unlink(missing_ok=True)
        else:
            _run_in(address, name, _QUERIES["allow"])

    def _put_ballast(self, file: Path) -> None:
        with file.open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(_CHUNK)
            except OSError:
                return


def _run_in(address: str, name: str, command: sql.Composed) -> None:
    there = urlsplit(address)._replace(path="/" + quote(name, safe="")).geturl()
    with psycopg.connect(there, autocommit=True) as conn:
        conn.execute(command)


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Mount one where we may; it is gone afterwards."""
    mount = Path(tempfile.mkdtemp(prefix="disk-", dir=folder))
    mount.chmod(0o711)
    mounted = os.geteuid() == 0 and _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=0711", "soak", str(mount))
    try:
        if not mounted:
            yield Disk(None)
            return
        tables = mount / "tables"
        tables.mkdir(mode=0o700)
        Account.choose().take_over(tables)
        yield Disk(mount)
    finally:
        if mounted:
            _run("umount", str(mount)) or _run("umount", "--lazy", str(mount))


def _run(program: str, *arguments: str) -> bool:
    if shutil.which(program) is None:
        return False
    return subprocess.run([program, *arguments], capture_output=True, check=False).returncode == 0
