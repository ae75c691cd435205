"""How a queue's database is reached: its version, a pooler before it, its clock, a role's connections."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

from jobqueue import sql
from jobqueue.check.finding import Code, Finding, Level
from jobqueue.check.queue import QUERIES
from jobqueue.engine import Conn, Engine

CLOCKS_APART = timedelta(seconds=5)
"""From where on ages on dashboards, which compare Prometheus' clock with the database's, mislead."""
LAGS = timedelta(seconds=60)
"""From where on the exporter shows no figures of the present."""
NEEDED_CONNECTIONS = 2
"""Of the exporter, for each source: one to the queue, one to our tables."""


async def facts(conn: Conn, engine: Engine) -> Mapping[str, str]:
    """What the database is, and how it is reached."""
    _, _, version, is_standby = await _server(conn)
    return {
        "postgresql": version + (", a standby" if is_standby else ""),
        "engine": engine.name,
        "connection": "direct",
    }


async def pooled_session(conn: Conn) -> int | None:
    """The server's number of the session behind a pooler, which tells its clients another; None without a pooler."""
    session, *_ = await _server(conn)
    return session if session != conn.info.backend_pid else None


async def connection_findings(conn: Conn) -> AsyncIterator[Finding]:
    """Compare the clocks, look for a lag, and count the connections that the role may have."""
    before = datetime.now(UTC)
    _, clock, _, _ = await _server(conn)
    after = datetime.now(UTC)
    apart = max(before - clock, clock - after, timedelta(0))
    if apart > CLOCKS_APART:
        yield Finding(
            Code.CLOCK_DIFFERS,
            f"the database's clock and this machine's are {apart.total_seconds():.0f} s apart: ages are wrong by so "
            "much where Prometheus runs by this clock; set both by NTP",
            level=Level.WARNING,
        )
    async for finding in _lag_findings(conn):
        yield finding
    _, login = await users(conn)
    role = await (await conn.execute(QUERIES["role"], {"schema": "", "role": login})).fetchone()
    if role and 0 <= role[2] < NEEDED_CONNECTIONS:
        yield Finding(
            Code.CONNECTIONS_FEW,
            f"role {login} may have {role[2]} connections, the exporter needs {NEEDED_CONNECTIONS} for each source",
        )


async def users(conn: Conn) -> tuple[str, str]:
    """The role whose rights the connection has, and the one that logged in."""
    row = await (await conn.execute(QUERIES["user"])).fetchone()
    if row is None:
        raise AssertionError("a SELECT without FROM has a row")
    user, login = row
    return user, login


async def _lag_findings(conn: Conn) -> AsyncIterator[Finding]:
    query = sql.load("jobqueue", "replay.sql")["lag"]
    row = await (await conn.execute(query)).fetchone()
    if row is None or not row[0]:
        return
    _, has_everything, replayed_until, now = row
    if not has_everything and replayed_until is not None and now - replayed_until > LAGS:
        lag = (now - replayed_until).total_seconds()
        text = f"the standby is {lag:.0f} s behind its primary: figures of the present are absent"
        yield Finding(Code.STANDBY_LAGS, text, level=Level.WARNING)


async def _server(conn: Conn) -> tuple[int, datetime, str, bool]:
    row = await (await conn.execute(QUERIES["server"])).fetchone()
    if row is None:
        raise AssertionError("a SELECT without FROM has a row")
    session, clock, version, is_standby = row
    return session, clock, version, is_standby
