"""Recorders: triggers that write down what engines delete. Made only when asked for."""

from collections.abc import Callable, Sequence

import psycopg

from jobqueue.config import Source
from jobqueue.engine import Engine
from jobqueue.engines import open_engine
from jobqueue.sql import load
from jobqueue.tables.connection import MigrationError, connected, take_turn
from jobqueue.tables.targets import targets


def record_completions(sources: Sequence[Source], say: Callable[[str], None]) -> None:
    """Have what these sources' engines delete written down; needs the schema that ``migrate`` makes.

    Engines that keep their finished jobs are passed over. Raises ``MigrationError``.
    """
    table = load("jobqueue.engines", "recorder.sql")["make_table"]
    for source, dsn in _queues(sources):
        recorder = _engine(source).recorder
        if recorder is None:
            say(f"{source.name}: nothing to record, {source.engine} keeps its finished jobs")
            continue
        if recorder.too_long is not None:
            raise MigrationError(f"{source.name}: {recorder.too_long}")
        with connected(dsn, [source]) as conn:
            take_turn(conn)
            conn.execute(table)
            conn.execute(recorder.install)
        say(f"{source.name}: completions are recorded")


def remove_recorders(sources: Sequence[Source], say: Callable[[str], None]) -> None:
    """Take away what ``record_completions`` made. Raises ``MigrationError``."""
    table = load("jobqueue.engines", "recorder.sql")["remove_table"]
    for source, dsn in _queues(sources):
        recorder = _engine(source).recorder
        if recorder is None:
            continue
        with connected(dsn, [source]) as conn:
            take_turn(conn)
            conn.execute(recorder.remove)
            conn.execute(table)
        say(f"{source.name}: the recorder is gone")


def replace_recorder(conn: psycopg.Connection, source: Source, say: Callable[[str], None]) -> None:
    """Install the recorder anew where its functions are an older version's, which lent their owner's rights.

    Inside the caller's transaction. Raises ``MigrationError``.
    """
    recorder = _engine(source).recorder
    if recorder is None or conn.execute(recorder.lends_rights).fetchone() != (True,):
        return
    if recorder.too_long is not None:
        raise MigrationError(
            f"{source.name}: {recorder.too_long}; every role can run code as the owner of its functions: "
            "take it away with --remove-recorder"
        )
    conn.execute(load("jobqueue.engines", "recorder.sql")["make_table"])
    conn.execute(recorder.install)
    say(f"{source.name}: recorder replaced: every role could run code as the owner of its functions")


def _queues(sources: Sequence[Source]) -> list[tuple[Source, str]]:
    """Each source with a connection string to its queue that takes changes.

    The queue may be incomplete: an engine's own migration can stop half-way because a recorder stands in its way.
    """
    return [(source, target.dsn) for target in targets(sources, incomplete=True) for source in target.with_queue]


def _engine(source: Source) -> Engine:
    return open_engine(source.engine, source.schema)
