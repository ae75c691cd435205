"""The measured PostgreSQL, with a role for each of those who read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench.meter import Meter
from demo.postgres import EmbeddedPostgres
from jobqueue.engines import open_engine
from jobqueue.tables.grants import queue_grants, store_grants

OURS, CUSTOM = "system_status", "custom_queries"
"""The exporter's role, and postgres_exporter's."""

SETTINGS = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and an administrator's connection to it."""

    embedded: EmbeddedPostgres
    admin: psycopg.Connection

    @property
    def version(self) -> str:
        """Of PostgreSQL."""
        return self.admin.info.parameter_status("server_version") or ""

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Make a database for as long as it is used, and answer with its address."""
        yield self.embedded.create_database(name)
        self.admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def meter(self, role: str) -> Meter:
        """Measure what *role* costs."""
        return Meter(self.admin, role)


@contextmanager
def start() -> Iterator[Server]:
    """Run a server with both roles in it."""
    with (
        EmbeddedPostgres.start(settings=SETTINGS) as embedded,
        psycopg.connect(embedded.url("postgres"), autocommit=True) as admin,
    ):
        for role in (OURS, CUSTOM):
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        yield Server(embedded, admin)


def let_read(url: str) -> None:
    """Grant both roles what they need in a database with all tables: the exporter the least, the other a plain read."""
    with psycopg.connect(url, autocommit=True) as conn:
        for statement in (*queue_grants(open_engine("ascent", None), OURS), *store_grants(OURS)):
            conn.execute(statement.encode())
        conn.execute(f"GRANT USAGE ON SCHEMA ascent TO {CUSTOM}; GRANT SELECT ON ascent.jobs TO {CUSTOM}".encode())


def as_role(url: str, role: str) -> str:
    """The same address, another role."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}@{parts.hostname}:{parts.port}").geturl()
