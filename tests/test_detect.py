"""A queue is found however many other tables a database has, and a line that names queues stays short."""

import psycopg

from jobqueue.detect import VALUES, Found, no_queue
from jobqueue.tables.targets import found_queues
from tests.conftest import SCHEMA

CUSTOMERS = 650
"""Schemas with a table of every name that an engine has: more than ten thousand tables."""


def test_a_queue_behind_the_schemas_of_many_customers_is_found(empty_database: str) -> None:
    views = " ".join(f"CREATE VIEW {table} AS SELECT 1 AS id" for table in VALUES["tables"])
    with psycopg.connect(empty_database, autocommit=True) as conn:
        for number in range(CUSTOMERS):
            conn.execute(f"CREATE SCHEMA customer{number} {views}".encode())
        conn.execute(SCHEMA.read_bytes().replace(b"ascent", b"zuletzt"))

        assert found_queues(conn) == [Found("ascent", "zuletzt")]


def test_a_line_names_some_of_many_queues() -> None:
    text = no_queue("river", "public", "app", [Found("ascent", f"customer{number}") for number in range(1000)])

    assert "customer9 and 990 more" in text
    assert "customer10" not in text
