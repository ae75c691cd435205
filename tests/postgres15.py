"""PostgreSQL 15, the oldest that is promised: the machine's own, or Debian's package in ``.tools``."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from demo.postgres import EmbeddedPostgres
from demo.wheel import Account, Program

_BELOW = Path("usr/lib/postgresql/15/bin")
_UNPACKED = Path(__file__).parents[1] / ".tools/postgresql-15"


@contextmanager
def postgres15() -> Iterator[EmbeddedPostgres]:
    """Run a server for as long as the context lasts; skip the test where there is no PostgreSQL 15."""
    with TemporaryDirectory(prefix="postgres-15-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres.start(program=_program(Path(folder))) as server:
            yield server


def _program(folder: Path) -> Program:
    if (Path("/") / _BELOW / "initdb").exists():
        return Program(Path("/") / _BELOW)
    if not (_UNPACKED / _BELOW / "initdb").exists():
        pytest.skip("no PostgreSQL 15: scripts/debian-tool postgresql-15 unpacks Debian's")
    unpacked = _UNPACKED
    if not Account.choose().reaches(unpacked / _BELOW / "initdb"):
        unpacked = folder / "unpacked"
        shutil.copytree(_UNPACKED, unpacked, symlinks=True)
    libraries = {str(library.parent) for library in (unpacked / "usr/lib").glob("*/*.so*")}
    return Program(unpacked / _BELOW, {"LD_LIBRARY_PATH": ":".join(sorted(libraries))})
