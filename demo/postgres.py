"""An own PostgreSQL server for as long as one needs it."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from demo import wheel
from demo.processes import Watchdog
from demo.wheel import PostgresError

StopMode = Literal["smart", "fast", "immediate"]

_STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_READY_WITHIN = 30.0
_STOPPED_WITHIN = 15.0
_SHOWN = 2000
"""Characters of the log in an error."""
_LONGEST_SOCKET_FOLDER = 80
"""The path of a unix socket, file name included, must stay below 104 bytes (macOS; Linux 108)."""

_NONE: Mapping[str, str] = {}
_THROW_AWAY = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A running server; superuser ``postgres``, no password, reachable from this machine only.

    As a context manager it stops at the end, and removes its directory if that was temporary. If this process
    dies without a word, a watchdog does the same.
    """

    def __init__(
        self, directory: Path, account: wheel.Account, program: wheel.Program | None, *, temporary: bool
    ) -> None:
        self.directory = directory
        self.log = directory / "postgres.log"
        self._data = directory / "data"
        self._settings = directory / "settings.conf"
        self._account = account
        self._temporary = temporary
        self._program = program or wheel.Program(wheel.binaries(account, directory))
        self._port: int | None = None
        self._postgres: subprocess.Popen[bytes] | None = None
        self._watchdog: Watchdog | None = None

    @classmethod
    def start(
        cls,
        directory: Path | None = None,
        settings: Mapping[str, str] = _NONE,
        *,
        durable: bool = False,
        program: wheel.Program | None = None,
    ) -> Self:
        """Start a server in *directory* (new, empty, or one used before), or in a temporary one.

        *settings* are those of ``postgresql.conf``. Unless *durable*, a crash of the machine may cost
        the data. *program* is another PostgreSQL than the wheel's. Raises ``PostgresError``.
        """
        account = wheel.Account.choose()
        folder = _temporary_directory(account) if directory is None else _own_directory(directory)
        server: Self | None = None
        try:
            server = cls(folder, account, program, temporary=directory is None)
            server._initialise({**({} if durable else _THROW_AWAY), **settings})
            server.start_again()
        except BaseException:
            if server is not None:
                server.stop("immediate")
            if directory is None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id of the postmaster. Raises ``PostgresError`` when it doesn't run."""
        if self._postgres is None or self._postgres.poll() is not None:
            log = self.log.read_text(errors="replace")[-_SHOWN:]
            raise PostgresError(f"the embedded PostgreSQL isn't running; its log ends with\n{log}")
        return self._postgres.pid

    def url(self, database: str) -> str:
        """The address of *database*, the same after a restart."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/{quote(database, safe='')}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database, a copy of *template* if given, and answer with its address."""
        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            conn.execute(command)
        return self.url(name)

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server, by force if it takes too long; nothing happens if it doesn't run."""
        if self._postgres is not None:
            self._end(_STOP_SIGNALS[mode])

    def crash(self) -> None:
        """Kill the postmaster without a chance to say goodbye; its children follow by themselves."""
        if self._postgres is not None:
            self._end(signal.SIGKILL)

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start; connections are cut, the address stays."""
        self.stop(mode)
        self.start_again()

    def start_again(self) -> None:
        """Start after ``stop`` or ``crash``. Raises ``PostgresError`` with the end of the log."""
        deadline = time.monotonic() + _READY_WITHIN
        while True:
            logged = self.log.stat().st_size
            port = self._port or _free_port()
            self._launch(port)
            if self._ready_before(deadline):
                self._port = port
                return
            self.crash()
            said = self.log.read_bytes()[logged:].decode(errors="replace")
            # After a crash the old children need a moment to go; a free port may be taken when it is used.
            passing = "is still in use" in said or (self._port is None and "could not bind" in said)
            if not passing or time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL didn't start; its log ends with\n{said[-_SHOWN:]}")
            time.sleep(0.05)

    def close(self) -> None:
        """Stop, and remove the directory if it was temporary."""
        self.stop()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _initialise(self, settings: Mapping[str, str]) -> None:
        self._account.take_over(self.directory)
        if not self._account.reaches(self.directory.parent):
            raise PostgresError(f"root runs PostgreSQL as nobody, who can't reach {self.directory}")
        self.log.touch()
        if not (self._data / "PG_VERSION").exists():
            self._initdb()
        short = len(str(self.directory)) <= _LONGEST_SOCKET_FOLDER
        lines = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory) if short else "",
            "max_connections": "100",
            **settings,
        }
        self._settings.write_text("".join(f"{name} = {_quoted(value)}\n" for name, value in lines.items()))
        self._account.take_over(self._settings)

    def _initdb(self) -> None:
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        result = subprocess.run(
            [self._program.folder / "initdb", f"--pgdata={self._data}", *options],
            cwd=self.directory,
            env={**_ENVIRONMENT, **self._program.environment},
            capture_output=True,
            text=True,
            start_new_session=True,
            **self._account.popen_options(),
        )
        if result.returncode:
            raise PostgresError(f"initdb failed:\n{result.stderr or result.stdout}")
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.write(f"include = {_quoted(str(self._settings))}\n")

    def _launch(self, port: int) -> None:
        with self.log.open("ab") as log:
            self._postgres = subprocess.Popen(
                [self._program.folder / "postgres", "-D", self._data, "-p", str(port)],
                cwd=self.directory,
                env={**_ENVIRONMENT, **self._program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for whoever uses the server, and comes there first
                **self._account.popen_options(),
            )
        to_remove = self.directory if self._temporary else None
        self._watchdog = Watchdog(self._postgres.pid, _STOP_SIGNALS["fast"], to_remove)

    def _ready_before(self, deadline: float) -> bool:
        if self._postgres is None:
            return False
        status = self._data / "postmaster.pid"
        while self._postgres.poll() is None and time.monotonic() < deadline:
            # What pg_ctl looks at: the first line says whose file it is, the last how far that one is.
            lines = status.read_text().split() if status.exists() else []
            if lines and lines[0] == str(self._postgres.pid) and lines[-1] == "ready":
                return True
            time.sleep(0.01)
        return False

    def _end(self, by: signal.Signals) -> None:
        postgres, watchdog = self._postgres, self._watchdog
        self._postgres = self._watchdog = None
        if postgres is not None:
            postgres.send_signal(by)
            try:
                postgres.wait(_STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                postgres.kill()
                postgres.wait()
        if watchdog is not None:
            watchdog.dismiss()


_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}
"""None of our own: a PGDATA or PGOPTIONS of the caller's is meant for another server."""


def _temporary_directory(account: wheel.Account) -> Path:
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 -- only as a parent, by mkdtemp
        if account.reaches(parent) and len(str(parent)) < _LONGEST_SOCKET_FOLDER - len("/postgres-xxxxxxxx"):
            return Path(tempfile.mkdtemp(prefix="postgres-", dir=parent))
    raise PostgresError(f"PostgreSQL can use neither {tempfile.gettempdir()} nor /tmp; set TMPDIR")


def _own_directory(directory: Path) -> Path:
    directory = directory.absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()) and not (directory / "data/PG_VERSION").exists():
        raise PostgresError(f"{directory} holds something else already; name an empty directory")
    return directory


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
