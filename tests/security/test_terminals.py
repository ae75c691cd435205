"""Whoever names jobs, workers and databases: what a terminal or a log would take for more than text."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from subprocess import DEVNULL
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from jobqueue.terminal import visible
from tests.security.programs import ROOT, environment

HOSTILE = {
    "a terminal's escape": "\x1b]0;owned\x07\x1b[2J",
    "a C1 escape": "\x9b2J\x85",
    "text turned round": "\u202egpj.\u2066x\u2069\u200f",
    "a line of its own": "\nmain: ok\r",
    "line and paragraph separators": "\u2028a\u2029",
    "characters of no width": "\u200b\u200d\ufeff\u2060\u00ad\u034f\u3164",
    "a NUL and a DEL": "\0\x7f",
    "tags and half a pair": "\U000e0041\udc80",
}
_FORBIDDEN = {*"".join(HOSTILE.values())} - {*"]0;owned[2Jgpj.xmain: ok\na"}
_COLOUR = re.compile(r"\x1b\[\d*m")  # as our own log has them on a terminal
_LOGGING = """
import json, logging, sys
import structlog
from jobqueue.config import Log
from jobqueue.logs import configure

configure(Log(level="debug", format=sys.argv[1]))
text = json.loads(sys.argv[2])
log = structlog.get_logger()
log.info(text, value=text, nested=[{text: (text, {text})}], **{text: 1, "other": Exception(text)})
logging.getLogger("library").warning("it says %s", text)
try:
    raise ValueError(text) from KeyError(text)
except ValueError:
    log.exception("failed")
    logging.getLogger("library").exception(text)
raise RuntimeError(text)
"""


def _output(*command: str, terminal: bool = False, **variables: str) -> str:
    """Everything that a command writes, to a terminal of its own or to a pipe."""
    reading, writing = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment(variables), stdin=DEVNULL, stdout=writing, stderr=writing
    )
    os.close(writing)
    written = bytearray()
    with suppress(OSError):  # a terminal says so when its other side is gone
        while block := os.read(reading, 65536):
            written += block
    os.close(reading)
    process.wait()
    return _COLOUR.sub("", written.decode("utf-8", "surrogateescape").replace("\r\n", "\n"))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("form", ["console", "json"])
def test_whatever_a_name_holds_the_log_stays_text_and_one_line_an_event(form: str, text: str) -> None:
    lines = _output("-c", _LOGGING, form, json.dumps(text))

    assert not _FORBIDDEN & set(lines)
    assert "main: ok" not in lines.splitlines()
    begun = [line for line in lines.splitlines() if line.startswith(("{", "20"))]
    assert len(begun) == 5
    if form == "json":
        assert json.loads(begun[0])["value"] == text
        assert len(lines.splitlines()) == 5
    else:
        assert begun[0].count(visible(text)) >= 2


def test_the_message_of_an_exception_is_never_logged() -> None:
    for form in ("console", "json"):
        lines = _output("-c", _LOGGING, form, json.dumps("a row of somebody"))

        after = lines.partition("failed")[2]
        assert "ValueError" in after
        assert "KeyError" in after
        assert "RuntimeError" in after
        assert after.count("a row of somebody") == 1  # what the library itself said


_STORABLE = "".join(HOSTILE.values()).replace("\0", "").replace("\udc80", "")


@pytest.fixture
def hostile(migrated: str) -> str:
    """The address of a database in which everything that has a name has a hostile one."""
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES (%s, %s)", (_STORABLE, _STORABLE))
        conn.execute("INSERT INTO ascent.jobs (job_type) VALUES (%s)", (_STORABLE,))
        conn.execute(
            "INSERT INTO system_status.api_tokens (name, hash, allow) VALUES (%s, %s, %s)",
            (_STORABLE, b"x" * 32, [_STORABLE]),
        )
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(_STORABLE[:40])))
    return migrated


@pytest.mark.parametrize(
    ("command", "schema"),
    [
        (("exporter", "--check"), None),
        (("exporter", "--check"), _STORABLE[:40]),
        (("exporter", "--once"), None),
        (("jobqueue", "grants"), _STORABLE[:40]),
        (("jobqueue", "grants", "--exporter", _STORABLE), None),
        (("control_api", "token", "list"), None),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "schema" if value else "",
)
def test_no_command_sends_a_terminal_more_than_text(hostile: str, command: tuple[str, ...], schema: str | None) -> None:
    variables = {"DATABASE_URL": hostile} | ({"QUEUE_SCHEMA": schema} if schema else {})

    shown = _output("-m", *command, terminal=True, **variables)

    assert "owned" in shown
    assert not _FORBIDDEN & set(shown)


@pytest.mark.parametrize(
    "command",
    [("exporter", "--check"), ("jobqueue", "migrate"), ("jobqueue", "grants"), ("control_api", "token", "list")],
)
def test_what_a_server_says_of_a_database_is_shown_as_text(migrated: str, command: tuple[str, ...]) -> None:
    address = f"{migrated.rpartition('/')[0]}/{quote(_STORABLE)}"

    shown = _output("-m", *command, terminal=True, DATABASE_URL=address)

    assert "owned" in shown
    assert not _FORBIDDEN & set(shown)
    assert "main: ok" not in shown.splitlines()
