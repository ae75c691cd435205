"""The check knows every right that ``grants`` prints for an engine, and misses each one that is taken away."""

from dataclasses import replace
from urllib.parse import urlsplit

import psycopg
from psycopg import AsyncConnection, sql

from jobqueue.check import Roles, look_at_source
from jobqueue.check.rights import _GRANT, Right, missing_rights, printed_rights, uncommented
from jobqueue.engines import open_engine
from jobqueue.tables import grants
from tests.engines.conftest import ALL
from tests.exporter.scrape import source
from tests.security.roles import least_privileged

_KINDS = {"table": "TABLE", "schema": "SCHEMA", "sequence": "SEQUENCE", "function": "FUNCTION", "type": "TYPE"}


def revoke(right: Right, role: str) -> bytes:
    column = f" ({sql.Identifier(right.column).as_string()})" if right.column else ""
    return f"REVOKE {right.privilege}{column} ON {_KINDS[right.kind]} {right.place} FROM {role}".encode()


def there(address: str, right: Right) -> bool:
    with psycopg.connect(address) as conn:
        row = conn.execute("SELECT to_regclass(%s)", [right.place]).fetchone() if right.kind == "table" else (1,)
    return row != (None,)


def is_had_otherwise(right: Right, rights: list[Right]) -> bool:
    """Whether the role keeps it: by a right on the whole table, or because everybody may use the schema."""
    whole = [replace(other, place=other.place.replace('"', "")) for other in rights if other.column is None]
    if right.column is None:
        return right.place == '"public"'
    return replace(right, column=None, place=right.place.replace('"', "")) in whole


async def test_each_right_is_read_and_missed_when_it_is_gone(kind: str, address: str) -> None:
    engine = open_engine(ALL[kind].engine, None)
    configured = source(address, engine=engine.name)
    with least_privileged(address, [configured]) as addresses:
        roles = {name: urlsplit(role).username or "" for name, role in addresses.items()}
        statements = {
            "exporter": list(grants.exporter_grants(engine, roles["exporter"], with_tables=True)),
            "control": list(grants.control_grants(engine, roles["control"])),
            "grafana": list(grants.view_grants(roles["grafana"])),
        }
        async with await AsyncConnection.connect(address, autocommit=True) as conn:
            for name, printed in statements.items():
                rights = printed_rights(printed)
                assert len(_GRANT.findall(uncommented(printed))) == uncommented(printed).count("GRANT ")
                assert await missing_rights(conn, roles[name], rights) == []
                for right in rights:
                    if not there(address, right) or is_had_otherwise(right, rights):
                        continue
                    async with conn.transaction(force_rollback=True):
                        await conn.execute(revoke(right, roles[name]))
                        missing = await missing_rights(conn, roles[name], rights)
                    assert right in missing, right
        report = await look_at_source(source(addresses["exporter"], engine=engine.name), Roles(*roles.values()))
    assert [finding for finding in report.findings if finding.code.startswith(("role", "right", "tables"))] == []
