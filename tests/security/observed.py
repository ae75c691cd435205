"""What every program says of one Ascent queue and does to it, without what the clock alone changes."""

import re
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import psycopg

from jobqueue.tables.grants import grants
from jobqueue.tables.migrate import migrate
from tests.control_api.service import HTML, JSON, Service, serving
from tests.control_api.test_tokens import command
from tests.exporter.process import run
from tests.exporter.scrape import Exporter, source
from tests.waiting import until_found

_FILL = """
INSERT INTO ascent.schedules (job_type, cron, timezone, description, expire_after, last_enqueued_at)
VALUES ('mail', '0 5 1 1 *', 'Asia/Kathmandu', 'Grüße \\ ''☃''', '1 month 3 days 01:02:03.000004',
        now() - interval '9 h');
INSERT INTO ascent.jobs (job_type, state, retries, run_after, created_at, started_at, finished_at, last_error)
SELECT CASE n % 4 WHEN 0 THEN E'naïve\\\\\\n☃"''' WHEN 1 THEN 'NULL' ELSE 'mail' END,
       (array['completed', 'failed', 'cancelled', 'pending', 'active', 'retry'])[1 + n % 6]::ascent.job_state, n % 3,
       now() - interval '5 h', now() - interval '5 h',
       CASE WHEN n % 6 NOT IN (2, 3) THEN now() - interval '4 h 59 min' END,
       CASE WHEN n % 6 < 3 THEN now() - interval '4 h' + n * interval '0.123457 s' END,
       CASE WHEN n % 6 = 1 THEN E'\\\\ ☃' END
  FROM generate_series(1, 120) AS n;
INSERT INTO ascent.workers (id, mode, version, started_at, last_seen_at, current_job_type, current_started_at)
VALUES (E'w\\\\1 ☃', 'all', '1', now() - interval '6 h', now() - interval '5 h', 'NULL', now() - interval '4 h 59 min');
INSERT INTO ascent.idempotency_tokens VALUES ('old', now() - interval '9 days', now() - interval '8 days')
"""
_BY_THE_CLOCK = re.compile("jobqueue_(collector_(duration|last_success)|last24h_window_start|source_info)")
_CLEAN_UPS = ("janitor", "fail-active", "cancel-pending")
_USUAL = (
    "-c search_path=pg_catalog -c TimeZone=UTC -c client_encoding=UTF8 -c DateStyle=ISO -c IntervalStyle=postgres "
    "-c extra_float_digits=1 -c row_security=on -c quote_all_identifiers=off -c statement_timeout=0 "
    "-c default_transaction_isolation=read\\ committed -c default_transaction_deferrable=off"
)
"""What the tests themselves look with."""
_OURS = """
SELECT 'column', table_name || '.' || column_name || ' ' || data_type || ' ' || coalesce(column_default, '')
  FROM information_schema.columns WHERE table_schema = 'system_status'
 UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'system_status'
 UNION ALL SELECT 'constraint', pg_get_constraintdef(oid)
             FROM pg_constraint WHERE connamespace = 'system_status'::regnamespace
 UNION ALL SELECT 'view', pg_get_viewdef('system_status.recent_jobs'::regclass)
 ORDER BY 1, 2
"""
_RIGHTS = """
SELECT relname || coalesce(relacl::text, '') AS rights
  FROM pg_class WHERE relnamespace IN ('system_status'::regnamespace, 'ascent'::regnamespace) AND relkind IN ('r', 'v')
 UNION ALL SELECT attrelid::regclass || '.' || attname || attacl::text
             FROM pg_attribute WHERE attacl::text LIKE '%observed%'
 ORDER BY rights
"""
_LEFT = {
    "log": "SELECT action, actor, request_id, request::text, job_type, before < now() FROM system_status.admin_actions "
    "ORDER BY id",
    "steps": "SELECT step, changed FROM system_status.admin_action_steps WHERE changed > 0 ORDER BY action_id, seq",
    "jobs": "SELECT job_type, state, priority, expires_at - run_after, last_error, count(*) FROM ascent.jobs "
    "GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 5, 4",
    "counted": "SELECT job_type, sum(runs), sum(failures), round(sum(run_seconds)::numeric, 6), max(run_max) "
    "FROM system_status.run_minutes GROUP BY 1 ORDER BY 1",
}
_ROLES = ("observed_exporter", "observed_control", "observed_grafana")


def fill(conn: psycopg.Connection) -> None:
    """Put jobs, a schedule and a worker into a queue: texts that are easily garbled, odd times and intervals."""
    conn.execute(_FILL.encode())


def drop_roles(conn: psycopg.Connection) -> None:
    for role in _ROLES:
        if conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None:
            conn.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


async def observed(address: str) -> dict[str, object]:
    """What each program says or makes, by a name, in a database that has the queue and nothing of ours."""
    found: dict[str, object] = {"migrated": _migrated(address), "granted": _granted(address)}
    found |= _of_tokens(address)
    for option in ("--once", "--check"):
        ended = await run(option, DATABASE_URL=address)
        found[option] = (ended.code, _figures(ended.output), _shape(ended.errors))
    exporter = Exporter(source(address))
    try:
        await exporter.poll(rounds=2)
        found["page"] = _figures(await exporter.text())
    finally:
        await exporter.close()
    async with serving({"main": address}) as served:
        found |= await _answers(served)
    with psycopg.connect(address, options=_USUAL) as conn:
        found |= {name: conn.execute(query.encode()).fetchall() for name, query in _LEFT.items()}
    return found


def _migrated(address: str) -> list[tuple[object, ...]]:
    said: list[str] = []
    for _ in range(2):
        migrate([source(address)], said.append)
    with psycopg.connect(address, options=_USUAL) as conn:
        return [*((line,) for line in said), *conn.execute(_OURS.encode()).fetchall()]


def _granted(address: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address, autocommit=True) as conn:
        for line in "\n".join(grants([source(address)], *_ROLES)).split("\nCOMMIT;"):
            conn.execute(f"{line}\n{'COMMIT;' if 'BEGIN' in line else ''}".encode())
    with psycopg.connect(address, options=_USUAL) as conn:
        return conn.execute(_RIGHTS.encode()).fetchall()


def _of_tokens(address: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for words in (["new", "--name", "ci", "--allow", "run,janitor"], ["list"], ["revoke", "ci"], ["list"]):
        out, errors = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(errors):
            code = command(address, *words)
        found[f"token {words[0]}, {len(found)}"] = (
            code,
            _shape(re.sub("sst_.*", "token", out.getvalue())),
            errors.getvalue(),
        )
    return found


async def _answers(served: Service) -> dict[str, object]:
    """The pages and the orders of the control API."""
    found: dict[str, object] = {}
    asked = [
        "/readyz",
        "/control/",
        "/control/main/schedules/mail/run",
        *(f"/control/main/{name}" for name in _CLEAN_UPS),
    ]
    for path in asked:
        for kind in (HTML, JSON):
            answer = await served.get(path, kind)
            found[f"GET {path} {kind['Accept'][:9]}"] = (answer.status, _shape(await answer.text()))
    for name, path in (("run", "schedules/mail/run"), *((name, name) for name in _CLEAN_UPS)):
        for times in ("once", "twice"):
            answer = await served.post(f"/control/main/{path}", json={"request_id": f"order {name} ☃ \\"})
            found[f"POST {name} {times}"] = (answer.status, _shape(await answer.text()))
            await until_found(lambda: _rests(served))
    for path in ("/control/audit", "/metrics"):
        answer = await served.get(path, HTML)
        found[f"GET {path}"] = (answer.status, _shape(await answer.text()))
    return found


async def _rests(served: Service) -> bool:
    """Whether no clean-up is at work any more."""
    return "running" not in await (await served.get("/control/audit", JSON)).text()


def _figures(page: str) -> list[str]:
    """The lines of a page without what goes with the clock; a line of ``--check`` stays as it is."""
    return [line for line in page.splitlines() if not line.startswith("#") and not _BY_THE_CLOCK.match(line)]


def _shape(text: str) -> str:
    """A text whose ids, ages, times and durations are those of its moment."""
    without_ids = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=value=\")[\w-]{16,}", "id", text)
    return re.sub(r"\d+", "0", re.sub('(?<=data-label="Took">)[^<]*', "a while", without_ids))
