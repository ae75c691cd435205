"""What every answer carries, and how problems are shown: to people, to scripts, to the log."""

import pytest
from aiohttp import ClientResponse, web
from structlog.testing import capture_logs

from control_api.auth import Actor
from control_api.problems import NotSignedIn
from control_api.security import CLIENT
from control_api.security.headers import ALWAYS
from tests.control_api.gate import ADMIN, FROM_OUR_PAGE, SCRIPT, Gate, Knows, gate

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class KnowsNobody(Knows):
    """Like an authenticator for which nobody has the right credentials."""

    challenge = 'Bearer realm="x"'  # type: ignore[assignment]

    async def authenticate(self, request: web.Request) -> Actor | None:
        return None


async def answers(served: Gate) -> dict[int, ClientResponse]:
    """One answer of each kind, by status."""
    found = [
        await served.get(),
        await served.get("/healthz"),
        await served.get("/platform/system-status"),
        await served.post(),
        await served.get("/nowhere"),
        await served.send("DELETE", "/control/", FROM_OUR_PAGE),
        await served.post(headers=FROM_OUR_PAGE, data={"a": "a" * 20_000}),
        await served.post(headers=FROM_OUR_PAGE | {"Content-Type": "text/plain"}, data=b"a"),
        await served.get("/control/fail"),
        await served.get("/control/fail", Accept=HTML),
    ]
    return {answer.status: answer for answer in found}


async def test_every_answer_carries_the_headers() -> None:
    async with gate(Knows(ADMIN)) as served:
        found = await answers(served)
    async with gate(KnowsNobody(ADMIN)) as served:
        found |= {401: await served.get()}

    assert found.keys() == {200, 302, 401, 403, 404, 405, 413, 415, 500}
    for answer in found.values():
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_page_runs_nothing_and_loads_nothing_from_elsewhere() -> None:
    assert ALWAYS["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/problem+json"),
        ("application/problem+json, text/html;q=0.5", "application/problem+json"),
        ("text/html;q=nonsense", "application/problem+json"),
        (HTML, "text/html"),
        ("text/html", "text/html"),
        ("application/json;q=0.2, text/HTML ; q=0.3", "text/html"),
    ],
)
async def test_a_problem_is_a_page_for_people_and_data_for_scripts(accept: str | None, content_type: str) -> None:
    async with gate(Knows(ADMIN)) as served:
        answer = await served.get("/<b>nowhere", **({"Accept": accept} if accept else {}))

    assert answer.status == 404
    assert answer.content_type == content_type
    assert answer.headers["Vary"] == "Accept"
    assert "<b>" not in await answer.text()


async def test_a_problem_says_what_it_is() -> None:
    async with gate(Knows(SCRIPT)) as served:
        answer = await served.post("/control/main/fail-active")

    assert await answer.json() == {
        "type": "urn:problem-type:forbidden",
        "title": "Not allowed",
        "status": 403,
        "detail": "token:ci may not fail-active; it may: janitor, run",
    }


async def test_markup_in_a_problem_is_shown_as_text() -> None:
    script = Actor("token:<b>&", frozenset(), "token", bearer=True)

    async with gate(Knows(script)) as served:
        answer = await served.post(headers={"Accept": "text/html"})

    assert "token:&lt;b&gt;&amp; may not janitor; it may: nothing" in await answer.text()


async def test_what_was_not_foreseen_is_logged_under_a_reference_and_not_shown() -> None:
    with capture_logs() as logs:
        async with gate(Knows(ADMIN)) as served:
            as_data = await served.get("/control/fail")
            as_page = await served.get("/control/fail", Accept=HTML)

    assert (as_data.status, as_page.status) == (500, 500)
    shown = await as_data.json()
    assert shown["detail"] == f"that was not foreseen; the log has it under {shown['reference']}"
    assert "hunter2" not in f"{await as_data.text()} {await as_page.text()} {logs}"
    assert [line["event"] for line in logs] == ["request.failed", "request.failed"]
    assert logs[0]["error"] == "ValueError"
    assert "in fail" in logs[0]["frames"]


async def test_a_method_that_a_page_does_not_have_says_which_it_has() -> None:
    async with gate(Knows(ADMIN)) as served:
        answer = await served.send("PUT", "/control/", FROM_OUR_PAGE)

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET,HEAD"
    assert (await answer.json())["type"] == "about:blank"


@pytest.mark.parametrize("path", ["/control/", "/control/main/janitor", "/nowhere", "/control/fail", "/healthz/"])
async def test_every_route_is_private_unless_listed(path: str) -> None:
    async with gate(KnowsNobody(ADMIN)) as served:
        looked = await served.get(path)
        acted = await served.post(path, FROM_OUR_PAGE)

    assert (looked.status, acted.status) == (401, 401)
    assert looked.headers["WWW-Authenticate"] == 'Bearer realm="x"'
    assert (await looked.json())["detail"] == "this is for platform admins: be anybody"


async def test_a_public_page_asks_nobody_who_they_are() -> None:
    class Asks(Knows):
        async def authenticate(self, request: web.Request) -> Actor | None:
            raise NotSignedIn("never asked")

    async with gate(Asks(ADMIN)) as served:
        assert (await served.get("/healthz")).status == 200
        assert (await served.get()).status == 401


async def test_the_first_that_recognises_credentials_decides() -> None:
    class Refuses(Knows):
        async def authenticate(self, request: web.Request) -> Actor | None:
            raise NotSignedIn("wrong", reason="wrong-cookie")

    async with gate(KnowsNobody(ADMIN), Knows(SCRIPT), Knows(ADMIN)) as served:
        second = await served.get()
    async with gate(Refuses(ADMIN), Knows(ADMIN)) as served:
        refused = await served.get()

    assert await second.text() == "token:ci"
    assert refused.status == 401


async def test_every_refusal_is_counted_by_names_of_ours_and_logged() -> None:
    with capture_logs() as logs:
        async with gate(Knows(ADMIN), sources=["main"]) as served:
            await served.post("/control/main/janitor")
            await served.post("/control/main/fail-active")
            await served.post("/control/other/janitor")
            await served.post("/control/main/nothing", FROM_OUR_PAGE)
            await served.post("/nowhere?token=secret", FROM_OUR_PAGE | {"Cookie": "a=secret"})
            await served.get("/nowhere")
            await served.get("/control/fail")

    assert served.refusals == {
        ("main", "janitor"): 1,
        ("main", "fail-active"): 1,
        ("none", "janitor"): 1,
        ("none", "none"): 2,
    }
    refused = [line for line in logs if line["event"] == "request.refused"]
    assert len(refused) == 5
    assert refused[0] == {
        "event": "request.refused",
        "log_level": "warning",
        "status": 403,
        "reason": "no-origin",
        "client": "127.0.0.1",
        "actor": "grafana:ann",
        "source": "main",
        "action": "janitor",
    }
    assert "secret" not in repr(refused)


async def test_a_handler_knows_where_a_request_comes_from() -> None:
    seen = []

    class Looks(Knows):
        async def authenticate(self, request: web.Request) -> Actor | None:
            seen.append(request[CLIENT])
            return ADMIN

    async with gate(Looks(ADMIN)) as served:
        await served.get(**{"X-Forwarded-For": "203.0.113.9"})

    assert seen == ["127.0.0.1"]
