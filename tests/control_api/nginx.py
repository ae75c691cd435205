"""The real nginx, configured as ``deploy/nginx`` has it."""

import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.waiting import until

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "deploy/nginx/system-status.conf"
_FETCHED = ROOT / ".tools/nginx/usr/sbin/nginx"
_FRAME = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/site.conf;
}}
"""
_NONE: Mapping[str, str] = {}


@asynccontextmanager
async def nginx(
    folder: Path, port: int, grafana: str, control: str, changed: Mapping[str, str] = _NONE
) -> AsyncIterator[None]:
    """nginx on *port* before Grafana and the control API, each ``host:port``; with what has to differ here."""
    text = CONFIGURATION.read_text("utf-8")
    places = {
        "server grafana:3000;": f"server {grafana};",
        "server control:9811;": f"server {control};",
        "listen 8080;": f"listen 127.0.0.1:{port};",
    }
    for placeholder, real in {**places, **changed}.items():
        assert text.count(placeholder) == 1
        text = text.replace(placeholder, real)
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(_FRAME.format(folder=folder))
    command = [_program(), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command)
    try:
        await until(lambda: listens(port))
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _program() -> str:
    found = shutil.which("nginx") or (str(_FETCHED) if _FETCHED.exists() else None)
    assert found, "no nginx here: make test fetches it, or run scripts/debian-tool nginx"
    return found


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True
