"""A connection string that keeps its password to itself."""

from typing import Annotated

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, Field, SecretStr


def _parsable(dsn: SecretStr) -> SecretStr:
    text = dsn.get_secret_value()
    try:
        parts = conninfo_to_dict(text)
    except ProgrammingError:
        raise ValueError("libpq can't parse it") from None  # its own words would quote the text
    # With a bare "@" or "/" in the password a URL may parse all the same, but a piece of the password becomes
    # host, port or database name: no secret to libpq any more, which repeats those in its messages.
    is_url = text.startswith(("postgresql://", "postgres://"))
    misread = is_url and "@" in f"{parts.get('host', '')}{parts.get('dbname', '')}"
    ports = str(parts.get("port", "")).split(",")
    if misread or not all(port.isdecimal() for port in ports if port):
        raise ValueError("its address can't be told from its password")
    return dsn


Conninfo = Annotated[
    SecretStr,
    Field(
        min_length=1,
        description="a PostgreSQL connection string, such as postgresql://monitor@localhost/app, "
        "with %40 for @ and %2F for / in a password",
    ),
    AfterValidator(_parsable),
]
"""``get_secret_value()`` has the text; ``str`` and ``repr`` show asterisks."""
