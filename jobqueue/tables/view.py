"""Makes the view ``recent_jobs`` over all queues of a database, whichever configuration brought them in."""

from collections.abc import Callable, Iterator

import psycopg
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from jobqueue.bounds import line
from jobqueue.detect import Found
from jobqueue.engines import ENGINES, open_engine
from jobqueue.sql import load
from jobqueue.tables.identity import QUERIES
from jobqueue.tables.targets import found_queues


def make_view(conn: psycopg.Connection, say: Callable[[str], None]) -> None:
    """Make it anew, inside the caller's transaction. What is left out of it is said with the reason."""
    parts = list(_parts(conn, say))
    if parts:
        conn.execute(
            sql.SQL("CREATE OR REPLACE VIEW system_status.recent_jobs AS\n") + sql.SQL("\nUNION ALL\n").join(parts)
        )


def _parts(conn: psycopg.Connection, say: Callable[[str], None]) -> Iterator[sql.Composed]:
    found = found_queues(conn)
    for name, engine, schema in conn.execute(QUERIES["here"]).fetchall():
        if engine not in ENGINES or Found(engine, schema) not in found:
            say(
                f"{name}: left out of view recent_jobs, as its {engine} queue in schema {schema} isn't there any more; "
                f"python -m jobqueue migrate --forget {name} deletes what was counted of it"
            )
            continue
        select = open_engine(engine, schema).recent_jobs
        if (refusal := _refusal(conn, select)) is not None:
            say(
                f"{name}: left out of view recent_jobs, as the view's owner may not read it ({refusal}); run this as a "
                "role that may read all queues of the database"
            )
            continue
        yield sql.SQL("SELECT {name}::text AS source, jobs.* FROM ({select}) AS jobs").format(
            name=sql.Literal(name), select=select
        )


def _refusal(conn: psycopg.Connection, select: sql.Composed) -> str | None:
    """Why the view's owner may not read one queue: the view would then fail for all of them."""
    owner = conn.execute(load("jobqueue.tables")["view_owner"]).fetchone()
    try:
        with conn.transaction(force_rollback=True):
            if owner is not None:
                conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(*owner)))
            conn.execute(sql.SQL("SELECT FROM ({}) AS jobs LIMIT 0").format(select))
    except InsufficientPrivilege as error:
        return line(error)
    return None
