"""A primary and a real streaming standby of it, with the tables of an Ascent queue."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from demo.postgres import EmbeddedPostgres

_SCHEMA = Path(__file__).parents[1] / "jobqueue/engines/ascent/schema.sql"


@dataclass(frozen=True, slots=True)
class Pair:
    """Both servers; what is committed on the primary is replayed on the standby, sooner or later."""

    primary: EmbeddedPostgres
    standby: EmbeddedPostgres

    def execute(self, command: str, *values: object) -> None:
        """Do something on the primary."""
        with psycopg.connect(self.primary.url("app"), autocommit=True) as conn:
            conn.execute(command.encode(), values)

    def replay(self, command: str) -> None:
        """Pause or resume the replay."""
        with psycopg.connect(self.standby.url("app"), autocommit=True) as conn:
            conn.execute(f"SELECT pg_wal_replay_{command}()".encode())

    def is_replayed(self) -> bool:
        """Whether the standby has everything that is committed on the primary by now."""
        with psycopg.connect(self.primary.url("app")) as conn:
            written = conn.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        with psycopg.connect(self.standby.url("app")) as conn:
            return conn.execute("SELECT pg_last_wal_replay_lsn() >= %s", written).fetchone() == (True,)


@contextmanager
def replicated() -> Iterator[Pair]:
    """Run both for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="standby-") as folder, EmbeddedPostgres.start() as primary:
        Path(folder).chmod(0o711)  # the server may run as somebody else
        with psycopg.connect(primary.create_database("app"), autocommit=True) as conn:
            conn.execute(_SCHEMA.read_bytes())
        primary.stop()
        copy = Path(folder) / "copy"
        subprocess.run(["cp", "-a", primary.directory, copy], check=True)
        primary.start_again()
        conf = copy / "data/postgresql.conf"
        conf.write_text(conf.read_text().replace(str(primary.directory), str(copy)))
        (copy / "data/standby.signal").touch()
        conninfo = primary.url("postgres")
        with EmbeddedPostgres.start(copy, settings={"primary_conninfo": conninfo}) as standby:
            yield Pair(primary, standby)
        shutil.rmtree(copy, ignore_errors=True)
