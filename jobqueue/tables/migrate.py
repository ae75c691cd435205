"""Applies the numbered migrations, lets each source's name stand for its queue, and makes the view ``recent_jobs``."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import resources

import psycopg

from jobqueue.config import Source
from jobqueue.sql import load
from jobqueue.tables.connection import MigrationError, connected, names, take_turn
from jobqueue.tables.identity import QUERIES, Identity, name_taken
from jobqueue.tables.recording import replace_recorder
from jobqueue.tables.targets import Target, targets
from jobqueue.tables.view import make_view

_COUNTED = ("forget_minutes", "forget_ends", "forget_schedules")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file; ``checksum`` tells whether an applied one was changed afterwards."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """The file's SHA-256, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations in their order."""
    folder = resources.files("jobqueue.tables").joinpath("migrations")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [
        Migration(int(file.name.split("_")[0]), file.name.removesuffix(".sql"), file.read_text("utf-8"))
        for file in files
    ]


def migrate(
    sources: Sequence[Source],
    say: Callable[[str], None],
    *,
    moved: Collection[str] = (),
    forgotten: Collection[str] = (),
) -> None:
    """Bring our tables up to date wherever these sources keep them.

    The names *moved* stand for the queue that is configured now, with all that was counted of it elsewhere; of those
    *forgotten* everything that was counted is deleted, and the name is free. Safe to run twice and from two places at
    once. Raises ``MigrationError``: nothing is changed while a queue isn't where it should be, and what one database
    refuses is rolled back there, whole.
    """
    unknown = set(moved) - {source.name for source in sources}
    if unknown:
        raise MigrationError(f"no source {', '.join(sorted(unknown))} is configured: only what is can have moved")
    every = targets(sources)
    told: set[str] = set()
    for target in every:
        said: list[str] = []
        with connected(target.dsn, target.sources) as conn:
            take_turn(conn)
            applied = _apply(conn)
            said.append(f"{names(target.sources)}: tables {'made: ' + ', '.join(applied) if applied else 'up to date'}")
            told |= _forget(conn, forgotten)
            _take_names(conn, target, moved)
            if target.with_queue:
                make_view(conn, said.append)
                said.append(f"{names(target.with_queue)}: view recent_jobs made")
            for source in target.with_queue:
                replace_recorder(conn, source, said.append)
        for text in said:
            say(text)
    for name in sorted(told):
        say(f"{name}: forgotten")
    if set(forgotten) - told:
        raise MigrationError(f"nothing was counted under the name {', '.join(sorted(set(forgotten) - told))}")


def _apply(conn: psycopg.Connection) -> list[str]:
    queries = load("jobqueue.tables")
    known: dict[int, str] = dict(conn.execute(queries["applied"]).fetchall())
    pending = []
    for migration in migrations():
        checksum = known.pop(migration.version, None)
        if checksum is None:
            pending.append(migration)
        elif checksum != migration.checksum:
            raise MigrationError(
                f"migration {migration.name}: the database has another text of it; run the version that made it"
            )
    if known:
        raise MigrationError(f"the database is at version {max(known)}, newer than this program; upgrade the program")
    for migration in pending:
        # A comment may hold a character that the database's encoding hasn't; its text can't change any more.
        conn.execute(migration.text.encode("ascii", "replace"))
        conn.execute(queries["record"], (migration.version, migration.name, migration.checksum))
    return [migration.name for migration in pending]


def _forget(conn: psycopg.Connection, forgotten: Collection[str]) -> set[str]:
    """Delete what was counted under these names; answers those that there were."""
    told = set()
    for name in forgotten:
        if conn.execute(QUERIES["forget"], {"source": name}).fetchone():
            told.add(name)
        for query in _COUNTED:
            conn.execute(QUERIES[query], {"source": name})
    return told


def _take_names(conn: psycopg.Connection, target: Target, moved: Collection[str]) -> None:
    for name, own in target.identities.items():
        values = {"source": name, **own.values}
        conn.execute(QUERIES["register"], values)
        if name in moved:
            conn.execute(QUERIES["move"], values)
        row = conn.execute(QUERIES["known"], {"source": name}).fetchone()
        if row and not Identity(*row).is_same(own):
            raise MigrationError(name_taken(name, Identity(*row), own))
