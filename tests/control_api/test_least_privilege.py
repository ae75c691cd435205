"""With the rights that ``python -m jobqueue grants`` gives it, and no others, every action works."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr

from control_api.actions import Action
from jobqueue.config import Source
from jobqueue.tables.grants import grants
from tests.control_api.service import Service, serving
from tests.control_api.test_asking import queue
from tests.control_api.test_ordering import CHANGED, PATHS

__all__ = ["queue"]
ROLE = "system_status_control"


@pytest.fixture
def as_its_role(migrated: str) -> str:
    """The address for the control API's own role."""
    source = Source(name="main", dsn=SecretStr(migrated))
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("\n".join(grants([source], "system_status_exporter", ROLE, "grafana")).encode())
        conn.execute(f"ALTER ROLE {ROLE} PASSWORD 'role'".encode())
    parts = urlsplit(migrated)
    return parts._replace(netloc=f"{ROLE}:role@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture
async def served(as_its_role: str, queue: AsyncConnection) -> AsyncIterator[Service]:
    async with serving({"main": as_its_role}) as service:
        yield service


@pytest.mark.parametrize("action", Action)
async def test_each_action_is_asked_about_and_done(served: Service, action: Action) -> None:
    asked = await served.get(PATHS[action])
    done = await served.post(PATHS[action], data={"request_id": "r1"})

    assert asked.status == 200
    assert (done.status, (await done.json())["state"]) == (200, "done"), await done.text()
    assert (await done.json())["changed"] == CHANGED[action]


async def test_everything_else_is_shown(served: Service) -> None:
    for path in ("/control/", "/control/audit", "/readyz", "/metrics"):
        assert (await served.get(path)).status == 200


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE system_status.admin_actions SET actor = 'nobody'",
        "DELETE FROM system_status.admin_action_steps",
        "INSERT INTO system_status.api_tokens (name, hash, allow) VALUES ('x', '', '{}')",
        "SELECT payload FROM ascent.jobs",
    ],
)
def test_it_cannot_rewrite_the_log_make_tokens_or_read_payloads(as_its_role: str, statement: str) -> None:
    with (
        psycopg.connect(as_its_role, autocommit=True) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute(statement.encode())
