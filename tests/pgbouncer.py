"""The real pgbouncer, in the mode and with the settings that a test wants."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from demo.wheel import Account
from tests.control_api.nginx import free_port, listens
from tests.waiting import until

_FETCHED = Path(__file__).parents[1] / ".tools/pgbouncer"
_CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
{settings}
"""
MODES = ("session", "transaction")
_SIZE = {"session": "20", "transaction": "2"}
"""By transaction two sessions for all clients together: what one leaves in its session, the next one finds."""


@asynccontextmanager
async def pooled(address: str, mode: str = "transaction", **settings: str) -> AsyncIterator[str]:
    """The address of the database at *address*, as the user there, behind a pooler; *settings* are pgbouncer's."""
    chosen = {"pool_mode": mode, "default_pool_size": _SIZE[mode], **settings}
    parts, account = urlsplit(address), Account.choose()
    port = free_port()
    password = f" password='{parts.password}'" if parts.password else ""
    values = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": password}
    with TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        program, libraries = _prepare(folder, account, _configuration(own_port=port, settings=chosen, **values))
        process = subprocess.Popen(
            [program, "-q", folder / "pgbouncer.ini"],
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            **account.popen_options(),
        )
        try:
            await until(lambda: listens(port) or process.poll() is not None)
            assert process.poll() is None, "pgbouncer ended: does it know these settings?"
            yield parts._replace(netloc=f"anybody@127.0.0.1:{port}").geturl()
        finally:
            process.terminate()
            process.wait()


def _configuration(settings: Mapping[str, str], **values: object) -> str:
    lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
    return _CONFIGURATION.format(settings=lines, **values)


def _prepare(folder: Path, account: Account, configuration: str) -> tuple[Path, str]:
    """Write the configuration; answer the program, and where its libraries are."""
    folder.chmod(0o755)
    (folder / "pgbouncer.ini").write_text(configuration)
    return _program(folder, account)


def _program(folder: Path, account: Account) -> tuple[Path, str]:
    """The machine's own, or Debian's package in ``.tools``, with the folders of its libraries."""
    found = shutil.which("pgbouncer")
    if found:
        return Path(found), ""
    unpacked = _FETCHED
    assert unpacked.exists(), "no pgbouncer here: make test fetches it, or run scripts/debian-tool pgbouncer"
    if not account.reaches(unpacked / "usr/sbin/pgbouncer"):
        unpacked = folder / "unpacked"
        shutil.copytree(_FETCHED / "usr", unpacked / "usr", symlinks=True, ignore=shutil.ignore_patterns("share"))
    libraries = {str(library.parent) for library in (unpacked / "usr/lib").glob("*/*.so*")}
    return unpacked / "usr/sbin/pgbouncer", ":".join(sorted(libraries))
