"""The databases that our tables stand in, told apart by what they are: two connection strings may lead to one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

from jobqueue.config import Source
from jobqueue.detect import TABLES, VALUES, Found, no_queue, queues
from jobqueue.engines import open_engine
from jobqueue.tables.connection import MigrationError, connected
from jobqueue.tables.identity import QUERIES, Identity, Place, identity


@dataclass(slots=True)
class Target:
    """One database, and the queues whose name is taken there."""

    dsn: str
    identities: dict[str, Identity] = field(default_factory=dict)
    """By the source's name."""
    sources: list[Source] = field(default_factory=list)
    with_queue: list[Source] = field(default_factory=list)
    """Those of the sources whose queue is in this database."""

    def add(self, source: Source, own: Identity) -> None:
        """Take in a source that keeps something here."""
        self.identities[source.name] = own
        if source not in self.sources:
            self.sources.append(source)
        if own.is_here and source not in self.with_queue:
            self.with_queue.append(source)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a connection string leads to."""

    place: Place
    standby: bool
    queues: Sequence[Found]


def targets(sources: Sequence[Source], *, incomplete: bool = False) -> list[Target]:
    """Look at all databases of these sources before anything is changed in one of them.

    Raises ``MigrationError``, also where a queue isn't there, unless it may be *incomplete*.
    """
    found: dict[Place, Target] = {}
    for source in sources:
        for place, dsn, own in _of_source(source, incomplete=incomplete):
            found.setdefault(place, Target(dsn)).add(source, own)
    return list(found.values())


def found_queues(conn: psycopg.Connection) -> list[Found]:
    """The queues in a database."""
    return queues(conn.execute(TABLES, VALUES).fetchall())


def _of_source(source: Source, *, incomplete: bool) -> Iterator[tuple[Place, str, Identity]]:
    """Where our tables are wanted for one source: beside what it counts, and beside its queue for view and log."""
    engine = open_engine(source.engine, source.schema)
    queue_dsn, store_dsn = source.dsn.get_secret_value(), source.store_dsn.get_secret_value()
    queue = _seen(queue_dsn, source)
    if not incomplete and Found(engine.name, engine.schema) not in queue.queues:
        absent = no_queue(engine.name, engine.schema, queue.place.database, queue.queues)
        raise MigrationError(f"{source.name}: {absent}")
    store = _seen(store_dsn, source) if store_dsn != queue_dsn else queue
    yield store.place, store_dsn, identity(engine.name, engine.schema, queue.place, store.place)
    # A standby takes no tables; what its primary has of them arrives by itself.
    if not queue.standby and not queue.place.is_same(store.place):
        yield queue.place, queue_dsn, Identity(engine.name, engine.schema)


def _seen(dsn: str, source: Source) -> _Seen:
    with connected(dsn, [source]) as conn:
        standby = conn.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
        return _Seen(place(conn), standby, found_queues(conn))


def place(conn: psycopg.Connection) -> Place:
    """Read where a connection leads."""
    readable = conn.execute(QUERIES["may_read_server"]).fetchone() == (True,)
    server = conn.execute(QUERIES["server"]).fetchone() if readable else None
    database = conn.execute(QUERIES["database"]).fetchone()
    if database is None:
        raise AssertionError("a connection leads to a database")
    return Place(server[0] if server else "", *database)
