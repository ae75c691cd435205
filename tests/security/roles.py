"""The least-privilege roles of a database, as ``python -m jobqueue grants`` makes them, and their addresses."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from jobqueue.config import Source
from jobqueue.tables.grants import grants

PASSWORD = "of-the-role"
NAMES = ("exporter", "control", "grafana")


@contextmanager
def least_privileged(address: str, sources: Sequence[Source]) -> Iterator[dict[str, str]]:
    """Make the three roles and answer the address of the database for each: ``exporter``, ``control``, ``grafana``."""
    database = urlsplit(address).path[1:]
    names = {name: f"{name}_{database}" for name in NAMES}
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute("\n".join(grants(sources, *names.values())).encode())
        for name in names.values():
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), PASSWORD))
    yield {name: as_role(address, role) for name, role in names.items()}
    drop_roles(address, *names.values())


def as_role(address: str, role: str) -> str:
    """The address of the same database for another role."""
    parts = urlsplit(address)
    return parts._replace(netloc=f"{role}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}").geturl()


def drop_roles(address: str, *roles: str) -> None:
    """Drop roles with all that they own in the database; a session that just ended may still have temporary objects."""
    with psycopg.connect(address, autocommit=True) as conn:
        for role in map(sql.Identifier, roles):
            conn.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
            conn.execute(sql.SQL("DROP ROLE {}").format(role))
