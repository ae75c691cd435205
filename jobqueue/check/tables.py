"""What is wrong with our own tables, in the database that holds them, and with the view beside a queue."""

from collections.abc import AsyncIterator

from jobqueue.check.finding import MIGRATE, Code, Finding
from jobqueue.check.queue import QUERIES
from jobqueue.config import Source
from jobqueue.engine import Conn, Engine
from jobqueue.tables.grants import store_grants
from jobqueue.tables.identity import Place, identity, known, name_taken, place
from jobqueue.tables.migrate import migrations


async def table_findings(conn: Conn, engine: Engine, source: Source, role: str, queue: Place) -> AsyncIterator[Finding]:
    """Look at our tables for the exporter's *role*; *queue* is where the source's queue is."""
    migrated, read_only = await (await conn.execute(QUERIES["store"])).fetchone() or (False, False)
    if not migrated:
        text = "schema system_status isn't there: nothing that is counted survives a restart"
        yield Finding(Code.TABLES_MISSING, text, commands=(MIGRATE,))
        return
    if read_only:
        yield Finding(Code.TABLES_READ_ONLY, "the database is read-only here: give a writable one as store_dsn")
    here = await place(conn)
    writable = await (await conn.execute(QUERIES["writable"], {"role": role})).fetchone()
    if writable != (True,):
        text = f"role {role} can't write our counting tables"
        elsewhere = "" if queue.is_same(here) else here.database
        yield Finding(Code.TABLES_UNWRITABLE, text, tuple(store_grants(role)), elsewhere=elsewhere)
        return
    version, newest = await tables_version(conn), newest_version()
    if version < newest:
        text = f"our tables are at version {version}, this program needs {newest}"
        yield Finding(Code.TABLES_OLD, text, commands=(MIGRATE,))
        return
    own = identity(engine.name, engine.schema, queue, here)
    found = await known(conn, source.name)
    if found is not None and not found.is_same(own):
        yield Finding(Code.NAME_TAKEN, name_taken(source.name, found, own))


async def tables_version(conn: Conn) -> int:
    """The number of the newest migration that the database has."""
    version: int = (await (await conn.execute(QUERIES["version"])).fetchone() or (0,))[0]
    return version


def newest_version() -> int:
    """The number of the newest migration of this program."""
    return migrations()[-1].version


async def view_findings(conn: Conn, source: str) -> AsyncIterator[Finding]:
    """Look whether the view beside the queue shows the source's jobs."""
    definition = (await (await conn.execute(QUERIES["view"])).fetchone() or (None,))[0]
    if definition is None:
        text = "view system_status.recent_jobs isn't there: no job history in Grafana"
        yield Finding(Code.VIEW_MISSING, text, commands=(MIGRATE,))
    elif f"'{source}'::text AS source" not in definition:
        text = f"view system_status.recent_jobs lacks source {source}: Grafana shows no job history of it"
        yield Finding(Code.VIEW_INCOMPLETE, text, commands=(MIGRATE,))
