"""``migrate`` and what ``grants`` prints work behind the real pgbouncer, in either mode."""

import psycopg
import pytest

from jobqueue.tables.grants import grants
from jobqueue.tables.migrate import migrate
from tests.exporter.scrape import source
from tests.pgbouncer import MODES, pooled


@pytest.mark.parametrize("mode", MODES)
async def test_tables_and_roles_are_made_and_made_again(database: str, mode: str) -> None:
    names = [f"{name}_{mode}" for name in ("exporter", "control", "grafana")]
    said: list[str] = []
    async with pooled(database, mode) as behind:
        for _ in range(2):
            migrate([source(behind)], said.append)
            with psycopg.connect(behind, autocommit=True) as conn:
                conn.execute("\n".join(grants([source(behind)], *names)).encode())
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("SELECT FROM system_status.recent_jobs")
        for name in names:
            conn.execute(f"SET ROLE {name}; RESET ROLE; DROP OWNED BY {name}; DROP ROLE {name}".encode())

    assert [line.partition(": ")[2].partition(":")[0] for line in said] == [
        "tables made",
        "view recent_jobs made",
        "tables up to date",
        "view recent_jobs made",
    ]
