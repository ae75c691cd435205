"""The dashboards in a browser, when npm has built their page."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from jobqueue.tables.grants import roles, view_grants

_PAGE = Path(__file__).parents[1] / "preview/web/dist/index.html"
_ROLE = "system_status_grafana"


def is_built() -> bool:
    """Whether there is something to serve."""
    return _PAGE.exists()


def origins(port: int) -> str:
    """Where the control API's buttons are pressed, for its configuration."""
    return f"http://127.0.0.1:{port},http://localhost:{port}"


def first_dashboard(port: int) -> str:
    """Where the control API's pages lead back to: by themselves they look for Grafana on their own port."""
    return f"http://127.0.0.1:{port}/d/system-status-jobs"


def reader(address: str) -> str:
    """The address of our own server's database for a role that reads the views alone, which is made."""
    with psycopg.connect(address, autocommit=True) as conn:
        for statement in (*roles(_ROLE), *view_grants(_ROLE)):
            conn.execute(statement.encode())
    parts = urlsplit(address)
    return parts._replace(netloc=f"{_ROLE}@{parts.netloc.rpartition('@')[2]}").geturl()


def arguments(port: int, prometheus_port: int, control_port: int) -> Sequence[str]:
    """How to run it as a module of Python."""
    return [
        "preview",
        f"--port={port}",
        f"--prometheus=http://127.0.0.1:{prometheus_port}",
        f"--control=http://127.0.0.1:{control_port}",
    ]
