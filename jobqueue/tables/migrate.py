"""Applies the numbered migrations, and makes the view ``recent_jobs`` over the configured sources."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources

import psycopg
from psycopg import sql
from psycopg.errors import DuplicateSchema, LockNotAvailable, UniqueViolation

from jobqueue.config import Source
from jobqueue.engine import Engine
from jobqueue.engines import open_engine
from jobqueue.session import PINNED, prepare
from jobqueue.sql import load


class MigrationError(Exception):
    """One line that says what keeps the tables from being made, and what to do."""


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


def migrate(sources: Sequence[Source], say: Callable[[str], None]) -> None:
    """Bring our tables up to date wherever these sources keep them.

    Safe to run twice and from two places at once. Raises ``MigrationError``; what one database refuses is rolled
    back there, whole.
    """
    stores = [(source.store_dsn.get_secret_value(), source) for source in sources]
    queues = [(_writable(source), source) for source in sources]
    for dsn, kept in _by_dsn(dict.fromkeys(stores + queues)):
        with _connected(dsn, kept) as conn:
            applied = _apply(conn)
            say(f"{_names(kept)}: tables {'made: ' + ', '.join(applied) if applied else 'up to date'}")
    for dsn, shown in _by_dsn(queues):
        with _connected(dsn, shown) as conn:
            _make_view(conn, shown)
            say(f"{_names(shown)}: view recent_jobs made")
        for source in shown:
            _replace_recorder(dsn, source, say)


def record_completions(sources: Sequence[Source], say: Callable[[str], None]) -> None:
    """Have what these sources' engines delete written down; needs the schema that ``migrate`` makes.

    Engines that keep their finished jobs are passed over. Raises ``MigrationError``.
    """
    table = load("jobqueue.engines", "recorder.sql")["make_table"]
    for source in sources:
        recorder = _engine(source).recorder
        if recorder is None:
            say(f"{source.name}: nothing to record, {source.engine} keeps its finished jobs")
            continue
        if recorder.too_long is not None:
            raise MigrationError(f"{source.name}: {recorder.too_long}")
        with _connected(_writable(source), [source]) as conn:
            _take_turn(conn)
            conn.execute(table)
            conn.execute(recorder.install)
        say(f"{source.name}: completions are recorded")


def remove_recorders(sources: Sequence[Source], say: Callable[[str], None]) -> None:
    """Take away what ``record_completions`` made. Raises ``MigrationError``."""
    table = load("jobqueue.engines", "recorder.sql")["remove_table"]
    for source in sources:
        recorder = _engine(source).recorder
        if recorder is None:
            continue
        with _connected(_writable(source), [source]) as conn:
            _take_turn(conn)
            conn.execute(recorder.remove)
            conn.execute(table)
        say(f"{source.name}: the recorder is gone")


def _replace_recorder(dsn: str, source: Source, say: Callable[[str], None]) -> None:
    """Install the recorder anew where its functions are an older version's, which lent their owner's rights."""
    recorder = _engine(source).recorder
    if recorder is None:
        return
    with _connected(dsn, [source]) as conn:
        if conn.execute(recorder.lends_rights).fetchone() != (True,):
            return
        if recorder.too_long is not None:
            raise MigrationError(
                f"{source.name}: {recorder.too_long}; every role can run code as the owner of its functions: "
                "take it away with --remove-recorder"
            )
        _take_turn(conn)
        conn.execute(load("jobqueue.engines", "recorder.sql")["make_table"])
        conn.execute(recorder.install)
    say(f"{source.name}: recorder replaced: every role could run code as the owner of its functions")


def _apply(conn: psycopg.Connection) -> list[str]:
    queries = load("jobqueue.tables")
    _take_turn(conn)
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


def _take_turn(conn: psycopg.Connection) -> None:
    """Make the schema where it isn't there, and wait until no one else makes or changes our tables."""
    queries = load("jobqueue.tables")
    try:
        with conn.transaction():
            conn.execute(queries["schema"])
    except (UniqueViolation, DuplicateSchema):  # another place made it at the same moment, and has committed
        conn.execute(queries["schema"])
    conn.execute(queries["lock"])


def _make_view(conn: psycopg.Connection, sources: Iterable[Source]) -> None:
    _take_turn(conn)
    parts = [
        sql.SQL("SELECT {name}::text AS source, jobs.* FROM ({select}) AS jobs").format(
            name=sql.Literal(source.name), select=_engine(source).recent_jobs
        )
        for source in sources
    ]
    view = sql.SQL("CREATE OR REPLACE VIEW system_status.recent_jobs AS\n") + sql.SQL("\nUNION ALL\n").join(parts)
    conn.execute(view)


def _writable(source: Source) -> str:
    """The database of the queue itself: for the view, and for the log of actions; its primary for a standby."""
    dsn = source.dsn.get_secret_value()
    with _connected(dsn, [source]) as conn:
        standby = conn.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
    return source.store_dsn.get_secret_value() if standby else dsn


@contextmanager
def _connected(dsn: str, sources: Sequence[Source]) -> Iterator[psycopg.Connection]:
    """A transaction whose errors say which sources they are about."""
    try:
        with psycopg.connect(dsn, connect_timeout=5, application_name="system-status migrate") as conn:
            prepare(conn)
            conn.execute(PINNED)
            conn.execute(load("jobqueue.tables")["limits"])
            yield conn
    except LockNotAvailable:
        raise MigrationError(f"{_names(sources)}: {_held_by(dsn)}") from None
    except psycopg.Error as error:
        raise MigrationError(f"{_names(sources)}: {' '.join(str(error).split())}") from None


def _held_by(dsn: str) -> str:
    """Name the sessions that keep our tables or our view locked, and the statement that ends them."""
    with psycopg.connect(dsn, connect_timeout=5, application_name="system-status migrate") as conn:
        conn.execute(PINNED)
        holders = conn.execute(load("jobqueue.tables")["holders"]).fetchall()
    if not holders:
        return "a lock was not to be had in time; try again"
    sessions = ", ".join(f"{pid} of role {role} ({state})" for pid, role, state in holders)
    return (
        f"locked by session {sessions}; try again when it has ended, or end it: "
        f"SELECT {', '.join(f'pg_terminate_backend({pid})' for pid, _, _ in holders)}"
    )


def _by_dsn(places: Iterable[tuple[str, Source]]) -> Iterable[tuple[str, list[Source]]]:
    grouped: dict[str, list[Source]] = {}
    for dsn, source in places:
        grouped.setdefault(dsn, []).append(source)
    return grouped.items()


def _names(sources: Iterable[Source]) -> str:
    return ", ".join(source.name for source in sources)


def _engine(source: Source) -> Engine:
    return open_engine(source.engine, source.schema)
