"""Whoever sends requests that two programs read in two ways: hidden ones, bent paths, bodies without an end."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.control_api.service import JSON, Service, serving
from tests.security.programs import heads, send

_LIMIT = 16 * 1024
_PUBLIC = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/admin/system-status",
    "/control/static/style.css",
    "/control/static/icon.svg",
}


@pytest.fixture
async def served(roles: dict[str, str]) -> AsyncIterator[Service]:
    """Whoever sits at this machine may act, as a browser behind a proxy may that lets a hidden request through."""
    async with serving({"main": roles["control"]}) as service:
        yield service


@pytest.fixture
async def closed(roles: dict[str, str]) -> AsyncIterator[Service]:
    async with serving({"main": roles["control"]}, auth=("token",), email_queue_url="/mails") as service:
        yield service


def acted(database: str) -> int:
    with psycopg.connect(database) as conn:
        return len(conn.execute("SELECT FROM system_status.admin_actions").fetchall())


def port(service: Service) -> int:
    return urlsplit(service.url).port or 0


def _hidden(host: str) -> str:
    body = "request_id=hidden"
    return (
        f"POST /control/main/janitor HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


_CHUNKED = "Transfer-Encoding: chunked"
_SMUGGLED = {
    "two lengths, the first of nothing": ("Content-Length: 0\r\nContent-Length: ALL", "HIDDEN"),
    "two lengths, the second of nothing": ("Content-Length: ALL\r\nContent-Length: 0", "HIDDEN"),
    "a list of lengths": ("Content-Length: 0, ALL", "HIDDEN"),
    "a length with a sign": ("Content-Length: +0", "HIDDEN"),
    "a length below nothing": ("Content-Length: -1", "HIDDEN"),
    "a length in hexadecimal": ("Content-Length: 0x0", "HIDDEN"),
    "two numbers as a length": ("Content-Length: 0 0", "HIDDEN"),
    "a length and chunks": (f"Content-Length: ALL\r\n{_CHUNKED}", "0\r\n\r\nHIDDEN"),
    "chunks and a length": (f"{_CHUNKED}\r\nContent-Length: 5", "0\r\n\r\nHIDDEN"),
    "two encodings": (f"{_CHUNKED}\r\nTransfer-Encoding: identity", "0\r\n\r\nHIDDEN"),
    "chunks before another encoding": ("Transfer-Encoding: chunked, identity", "0\r\n\r\nHIDDEN"),
    "chunks twice": ("Transfer-Encoding: chunked, chunked", "0\r\n\r\nHIDDEN"),
    "an encoding of no known name": ("Transfer-Encoding: xchunked", "0\r\n\r\nHIDDEN"),
    "an encoding behind a vertical tab": ("Transfer-Encoding:\x0bchunked", "0\r\n\r\nHIDDEN"),
    "an encoding with a blank before the colon": ("Transfer-Encoding : chunked", "0\r\n\r\nHIDDEN"),
    "an encoding in a folded line": ("Transfer-Encoding:\r\n chunked", "0\r\n\r\nHIDDEN"),
    "an encoding behind a line feed alone": (f"X: y\n{_CHUNKED}", "0\r\n\r\nHIDDEN"),
    "an encoding behind a carriage return alone": (f"X: y\r{_CHUNKED}", "0\r\n\r\nHIDDEN"),
    "a chunk's size with a sign": (_CHUNKED, "+0\r\n\r\nHIDDEN"),
    "a chunk's size in another notation": (_CHUNKED, "0x0\r\n\r\nHIDDEN"),
    "a chunk's size behind a blank": (_CHUNKED, " 0\r\n\r\nHIDDEN"),
    "a chunk that ends with a line feed": (_CHUNKED, "0\n\nHIDDEN"),
    "a chunk's extension with a line feed": (_CHUNKED, "0;a\nb\r\n\r\nHIDDEN"),
    "a chunk longer than it says": (_CHUNKED, "1\r\nab\r\n0\r\n\r\nHIDDEN"),
    "a header behind a NUL": (f"X: \0{_CHUNKED}", "0\r\n\r\nHIDDEN"),
    "a header's name with a blank": (f"X Y: z\r\n{_CHUNKED}", "0\r\n\r\nHIDDEN"),
}


async def test_a_request_hidden_in_another_is_never_carried_out(migrated: str, served: Service) -> None:
    host = urlsplit(served.url).netloc
    hidden = _hidden(host)
    statuses = {}
    for form, (header, body) in _SMUGGLED.items():
        for request in ("GET /control/", "POST /control/main/fail-active"):
            head = f"{request} HTTP/1.1\r\nHost: {host}\r\n{header.replace('ALL', str(len(hidden)))}\r\n\r\n"
            answer = await send(port(served), (head + body.replace("HIDDEN", hidden)).encode())
            statuses[form, request] = [head.status for head in heads(answer)]

    assert {names: found for names, found in statuses.items() if found != [400]} == {}
    assert acted(migrated) == 0


async def test_what_is_hidden_would_be_carried_out_if_it_came_by_itself(migrated: str, served: Service) -> None:
    answer = await send(port(served), _hidden(urlsplit(served.url).netloc).encode())

    assert heads(answer)[0].status in (200, 202)
    assert acted(migrated) == 1


_PATHS = [
    "//control/",
    "/control//",
    "/control/./main/janitor",
    "/control/%2e/main/janitor",
    "/%63ontrol/main/janitor",
    "/control%2Fmain%2Fjanitor",
    "/control%252Fmain%252Fjanitor",
    "/control/main%00/janitor",
    "/control;/main/janitor",
    "/control/main/janitor;.css",
    "/control/main/janitor/",
    "/control/main/janitor%20",
    "/CONTROL/main/janitor",
    "/healthz/../control/",
    "/healthz/..%2fcontrol/",
    "/healthz/..;/control/",
    "/healthz%2f..%2fcontrol%2f",
    "/healthz/",
    "/control/static/../audit",
    "/control/static/..%2faudit",
    "/control/static/%2e%2e/audit",
    "/control/static/....//audit",
    "/control/static/style.css/../../audit",
    "/control/static/..%5c..%5caudit",
    "/control/static/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/control/static/style.css%00.html",
    "/metrics/../control/openapi.json",
    "/admin/system-status/../../control/audit",
    "http://127.0.0.1/control/",
    "http://evil.example.com/control/main/janitor",
    "https://evil.example.com//control/",
    "\\control\\",
    "/\\evil.example.com/control/",
    "//evil.example.com/%2e%2e/control",
    "/control/audit/../main/janitor",
    "/control/%E0%80%AF",
    "/control/%c0%ae%c0%ae/",
    "/control/main/schedules/..%2f..%2fmain%2fjanitor/run",
    "*",
]


async def test_no_way_of_writing_a_path_gets_past_the_sign_in(migrated: str, closed: Service) -> None:
    for path in _PATHS:
        for method in ("GET", "POST", "OPTIONS"):
            message = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\n\r\n"
            for head in heads(await send(port(closed), message.encode())):
                assert head.status in (400, 401), (method, path)
                assert "location" not in head.headers, (method, path)
    assert acted(migrated) == 0


async def test_no_way_of_writing_a_path_leads_a_browser_to_another_host(served: Service) -> None:
    for path in [*_PATHS, "/control", "/platform/system-status"]:
        message = f"GET {path} HTTP/1.1\r\nHost: {urlsplit(served.url).netloc}\r\nConnection: close\r\n\r\n"
        for head in heads(await send(port(served), message.encode())):
            assert head.headers.get("location", "/control/").startswith(("/control/", "/d/")), path


async def test_without_credentials_only_health_metrics_and_the_looks_of_pages_are_open(closed: Service) -> None:
    document = {route.resource.canonical for route in closed.app.router.routes() if route.resource}
    paths = {path.replace("{source}", "main").replace("{job_type}", "x").replace("{id}", "main-1") for path in document}
    paths = {path for path in paths if "{" not in path} | _PUBLIC

    answers = {path: await closed.get(path, JSON) for path in paths}

    assert {path for path, answer in answers.items() if answer.status != 401} == _PUBLIC
    assert "hunter2" not in "".join([await answer.text() for answer in answers.values()])


@pytest.mark.parametrize(
    ("length", "body"),
    [
        (f"Content-Length: {_LIMIT + 1}", b""),
        (f"Content-Length: {10**30}", b""),
        ("Transfer-Encoding: chunked", b"%x\r\n" % (_LIMIT + 1) + b"a" * (_LIMIT + 1) + b"\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", (b"4000\r\n" + b"a" * 0x4000 + b"\r\n") * 50 + b"0\r\n\r\n"),
        ("Content-Encoding: gzip\r\nContent-Length: 3", b"abc"),
    ],
    ids=["one byte too much", "beyond all numbers", "one chunk", "many chunks", "packed"],
)
async def test_a_body_larger_than_any_form_is_refused(migrated: str, served: Service, length: str, body: bytes) -> None:
    head = (
        f"POST /control/main/janitor HTTP/1.1\r\nHost: {urlsplit(served.url).netloc}\r\nSec-Fetch-Site: same-origin\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n{length}\r\n\r\n"
    )

    async with asyncio.TaskGroup() as others:
        answer = others.create_task(send(port(served), head.encode() + body))
        healthy = others.create_task(served.get("/healthz"))

    assert [head.status for head in heads(answer.result())][:1] in ([400], [413], [415])
    assert healthy.result().status == 200
    assert acted(migrated) == 0
