"""Which queue a source's name stands for, so that what is kept under one name is never that of two queues.

A queue is told by its engine, its schema, its database and the system identifier of its server. Where our tables stand
in the queue's own database the last two are left out: an upgrade or a restored backup changes them, and brings queue
and tables along together.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from jobqueue import sql
from jobqueue.engine import Conn

QUERIES = sql.load("jobqueue.tables", "identity.sql")


@dataclass(frozen=True, slots=True)
class Place:
    """A database; a standby and its primary are one place."""

    server: str
    """The system identifier; empty where the role may not read it."""
    oid: int
    database: str

    def is_same(self, other: "Place") -> bool:
        """Whether both are one database, as far as the roles may see."""
        return (self.oid, self.database) == (other.oid, other.database) and _agree(self.server, other.server)


@dataclass(frozen=True, slots=True)
class Identity:
    """One queue, as it is seen from the database that holds our tables."""

    engine: str
    schema: str
    server: str | None = None
    """None, as the database, where the queue is in the database that holds our tables."""
    database: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether queue and tables share a database."""
        return self.server is None

    def is_same(self, other: "Identity") -> bool:
        """Whether both are one queue, as far as the roles may see that named them."""
        return replace(self, server=other.server) == other and _agree(self.server, other.server)

    @property
    def values(self) -> Mapping[str, str | None]:
        """For the queries of ``identity.sql``."""
        return asdict(self)

    def __str__(self) -> str:
        server = self.server or "that its role may not ask for its identifier"
        where = "of the same database" if self.is_here else f"of database {self.database} on server {server}"
        return f"the {self.engine} queue in schema {self.schema} {where}"


def _agree(server: str | None, other: str | None) -> bool:
    """Whether two identifiers may be of one server: one that may not be read is taken for any."""
    return server == other or "" in (server, other)


def identity(engine: str, schema: str, queue: Place, tables: Place) -> Identity:
    """The identity of a queue in the database *queue*, seen from where our *tables* are."""
    if queue.is_same(tables):
        return Identity(engine, schema)
    return Identity(engine, schema, queue.server, queue.database)


def name_taken(source: str, known: Identity, own: Identity) -> str:
    """Say that a name stands for another queue, and what to do, in one line."""
    return (
        f"the name {source} stands for {known}, and this is {own}: give this source a name of its own (SOURCE_NAME, or "
        f"name in the file). If the queue has moved, run python -m jobqueue migrate --moved {source}. If the other one "
        f"is gone, run python -m jobqueue migrate --forget {source}, which deletes what was counted of it"
    )


async def place(conn: Conn) -> Place:
    """Read where a connection leads."""
    readable = await (await conn.execute(QUERIES["may_read_server"])).fetchone()
    server = await (await conn.execute(QUERIES["server"])).fetchone() if readable == (True,) else None
    database = await (await conn.execute(QUERIES["database"])).fetchone()
    if database is None:
        raise AssertionError("a connection leads to a database")
    return Place(server[0] if server else "", *database)


async def known(conn: Conn, source: str) -> Identity | None:
    """Read which queue a name stands for in this database; None while it stands for none."""
    row = await (await conn.execute(QUERIES["known"], {"source": source})).fetchone()
    return Identity(*row) if row else None


async def register(conn: Conn, source: str, own: Identity) -> Identity:
    """Let a name stand for a queue, if it stands for none yet; answers which it stands for.

    A database that takes no changes is left alone.
    """
    found = await known(conn, source)
    if found is None and await _takes_changes(conn):
        await conn.execute(QUERIES["register"], {"source": source, **own.values})
        found = await known(conn, source)
    return found or own


async def _takes_changes(conn: Conn) -> bool:
    return await (await conn.execute(QUERIES["takes_changes"])).fetchone() == (True,)
