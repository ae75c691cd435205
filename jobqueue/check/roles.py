"""The three roles: whether they exist, have what they need, and no more than their work takes."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from psycopg.sql import Identifier

from jobqueue.check.connection import users
from jobqueue.check.finding import GRANT, MIGRATE, Code, Finding, Level
from jobqueue.check.queue import QUERIES
from jobqueue.check.rights import missing_rights, printed_rights
from jobqueue.check.tables import newest_version, tables_version
from jobqueue.config import Source
from jobqueue.engine import Conn, Engine
from jobqueue.tables import grants

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of the roles."""

    exporter: str = "system_status_exporter"
    control: str = "system_status_control"
    grafana: str = "system_status_grafana"


async def exporter_role(conn: Conn, engine: Engine, roles: Roles | None) -> str:
    """The role that is checked as the exporter's: the connection's, unless that is an owner's or another program's."""
    user, _ = await users(conn)
    if roles is None or await _is_mighty(conn, engine, roles.exporter) is None:
        return user
    other = user in (roles.control, roles.grafana) or await _is_mighty(conn, engine, user)
    return roles.exporter if other else user


async def role_findings(conn: Conn, engine: Engine, source: Source, roles: Roles) -> AsyncIterator[Finding]:
    """Look at the three roles, in the queue's database."""
    same, migrated = source.store_dsn == source.dsn, await _migrated(conn)
    wanted = (
        (roles.exporter, grants.exporter_grants(engine, roles.exporter, with_tables=same), "the exporter"),
        (roles.control, grants.control_grants(engine, roles.control), "the control API"),
        (roles.grafana, grants.view_grants(roles.grafana), "Grafana's data source"),
    )
    for role, statements, program in wanted:
        is_mighty = await _is_mighty(conn, engine, role)
        if is_mighty is None:
            yield Finding(
                Code.ROLE_MISSING,
                f"role {role} isn't there: {program} has no role of its own",
                tuple(grants.roles(role)),
                level=Level.WARNING,
            )
        elif is_mighty:
            yield Finding(
                Code.ROLE_MIGHTY,
                f"role {role} owns tables or is a superuser: {program} can do more than its work takes",
                level=Level.WARNING,
            )
        else:
            async for finding in _shut_out(conn, role):
                yield finding
            async for finding in _lacking(conn, role, list(statements), migrated=migrated):
                yield finding
    user, _ = await users(conn)
    if user not in (roles.exporter, roles.control, roles.grafana) and await _is_mighty(conn, engine, user):
        yield Finding(
            Code.ROLE_MIGHTY,
            f"this configuration connects as {user}, which owns tables or is a superuser: it is good for migrate and "
            f"this check; run the programs as {roles.exporter} and {roles.control}",
            level=Level.WARNING,
        )


async def _lacking(conn: Conn, role: str, statements: Iterable[str], *, migrated: bool) -> AsyncIterator[Finding]:
    missing = await missing_rights(conn, role, printed_rights(statements))
    if missing:
        shown = ", ".join(map(str, missing[:_SHOWN]))
        more = f", and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        text = f"role {role} lacks {shown}{more}"
        if migrated:
            yield Finding(Code.ROLE_LACKS, text, tuple(statements))
        else:  # the statements name tables and columns that are still to come
            yield Finding(Code.ROLE_LACKS, text, commands=(MIGRATE, GRANT))


async def _shut_out(conn: Conn, role: str) -> AsyncIterator[Finding]:
    """Every role may connect, unless the database's owner took that from all."""
    (*_, database) = await (await conn.execute(QUERIES["role"], {"schema": "", "role": role})).fetchone() or (None,)
    if database is not None:
        names = Identifier(database).as_string(), Identifier(role).as_string()
        grant = "GRANT CONNECT ON DATABASE {} TO {};".format(*names)
        yield Finding(Code.ROLE_LACKS, f"role {role} may not connect to database {database}", (grant,))


async def _migrated(conn: Conn) -> bool:
    """Whether our tables beside the queue are this program's; where we may not know, that may be mended by the SQL."""
    (may_read,) = await (await conn.execute(QUERIES["may_read_version"])).fetchone() or (None,)
    if not may_read:
        return may_read is not None
    return await tables_version(conn) >= newest_version()


async def _is_mighty(conn: Conn, engine: Engine, role: str) -> bool | None:
    """Whether a role can do what it likes with the queue; None where there is no such role."""
    found = await (await conn.execute(QUERIES["role"], {"schema": engine.schema, "role": role})).fetchone()
    return bool(found[0] or found[1]) if found else None
