"""Whoever names jobs: what a name can do to a page, to data, to the head of an answer."""

from collections.abc import AsyncIterator
from html.parser import HTMLParser
from urllib.parse import quote

import psycopg
import pytest

from control_api.security.headers import ALWAYS
from tests.control_api.service import HTML, JSON, Page, Service, serving

_NAMES = [
    "\"><script>alert(1)</script><b onmouseover='x'>",
    "</title></textarea><img src=x onerror=alert(1)>",
    "javascript:alert(1)//",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "'; DROP TABLE ascent.jobs; --",
    "../../../etc/passwd",
    "a/b?c=d#e&f;g",
    "//evil.example.com/x",
    "%0d%0aSet-Cookie: a=b%00%2e%2e%2f",
    "line\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "\u202egpj.exe\u2066\u200b\u2028",
    "\x1b[31m\x07\x85\x9b",
]


_SPLITTING = [name for name in _NAMES if "Cookie" in name or "evil" in name]
"""Few enough to be run without being held back."""


class _Elements(HTMLParser):
    """The names of the elements of a page, and those of its attributes that run something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.scripts += [name for name, _ in attrs if name.startswith("on") or name == "style"]


@pytest.fixture
async def served(migrated: str, roles: dict[str, str]) -> AsyncIterator[Service]:
    """A queue in which every hostile name is a recurring job, waits, runs, and is a worker."""
    statements = (
        "INSERT INTO ascent.schedules (job_type, description, cron) VALUES (%(name)s, %(name)s, '@daily')",
        "INSERT INTO ascent.jobs (job_type) VALUES (%(name)s)",
        "INSERT INTO ascent.jobs (job_type, state, started_at) VALUES (%(name)s, 'active', now())",
        (
            "INSERT INTO ascent.workers (id, hostname, mode, version, current_job_type)"
            " VALUES (%(name)s, %(name)s, 'all', '1', %(name)s)"
        ),
    )
    with psycopg.connect(migrated) as conn:
        for statement in statements:
            conn.cursor().executemany(statement.encode(), [{"name": name} for name in _NAMES])
    async with serving({"main": roles["control"]}) as service:
        yield service


def run(name: str) -> str:
    return f"/control/main/run?job_type={quote(name, safe='')}"


async def test_a_hostile_name_is_shown_as_text_on_every_page(served: Service) -> None:
    pages = ["/control/", "/control/main/cancel-pending", "/control/main/fail-active", "/control/audit"]
    for address in [*pages, *map(run, _NAMES)]:
        answer = await served.get(address, HTML)
        html = await answer.text()

        found = _Elements(html)
        assert answer.status == 200, address
        assert not found.names & {"script", "img", "b", "textarea", "iframe"}, address
        assert not found.scripts, address
        assert all(link.startswith(("/control/", "/d/")) for link in Page.read(html).addresses), address
        assert "{{ 7 * 7 }}" in html or address not in pages[:3]


async def test_a_hostile_name_changes_nothing_of_the_head_of_an_answer(served: Service) -> None:
    for name in _NAMES:
        for headers in (HTML, JSON):
            answers = [
                await served.get(run(name), headers),
                await served.get(f"/control/{quote(name, safe='')}/janitor", headers),
                await served.get(f"/control/audit?actor={quote(name, safe='')}", headers),
                await served.get(f"/control/audit?source={quote(name, safe='')}", headers),
            ]
            if name in _SPLITTING:
                order = {"job_type": name, "request_id": f"{_NAMES.index(name)} {headers is HTML}"}
                answers.append(await served.post("/control/main/run", headers, data=order))

            for answer in answers:
                assert answer.status < 429, (name, answer)
                assert "Set-Cookie" not in answer.headers, name
                assert {key: answer.headers[key] for key in ALWAYS} == ALWAYS, name
                assert answer.headers.get("Location", "/control/").startswith("/control/"), name


async def test_a_hostile_name_runs_the_job_of_that_name_and_no_other(migrated: str, served: Service) -> None:
    listed = await (await served.get("/control/")).json()
    for number, name in enumerate(_NAMES[::2]):
        ran = await served.post("/control/main/run", data={"job_type": name, "request_id": f"run-{number}"})

        assert (ran.status, (await ran.json())["job_type"]) == (200, name)

    assert {row["job_type"] for row in listed["sources"][0]["schedules"]} == {*_NAMES}
    with psycopg.connect(migrated) as conn:
        rows = conn.execute("SELECT job_type FROM ascent.jobs WHERE origin = 'manual'").fetchall()
    assert sorted(name for (name,) in rows) == sorted(_NAMES[::2])
