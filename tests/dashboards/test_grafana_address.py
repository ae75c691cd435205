"""Whatever stands at an address: nothing is a success that Grafana hasn't said, and a line says what to do."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.control_api.nginx import free_port, nginx
from tests.dashboards.commands import Run
from tests.dashboards.dashboards import CLASSIC
from tests.dashboards.grafana import TOKEN, Grafana, running, serving

LOGIN = "<html><body>Sign in</body></html>"


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with running(Grafana()) as grafana:
        yield grafana


def answering(answer: Callable[[web.Request], web.StreamResponse]) -> web.Application:
    async def handle(request: web.Request) -> web.StreamResponse:
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handle)
    return app


@pytest.mark.parametrize("command", ["publish", "limit"])
def test_a_page_that_answers_200_to_everything_is_no_success(command: str, run: Run) -> None:
    with serving(answering(lambda _: web.Response(text=LOGIN, content_type="text/html"))) as address:
        ended = run(command, address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "answered with text/html, not with Grafana's JSON" in ended.stderr
    assert "has to let requests to /api/ with a token through" in ended.stderr


@pytest.mark.parametrize("answer", [{}, [], {"uid": "other"}, {"database": "ok"}, {"status": "success"}, 3, None])
@pytest.mark.parametrize("command", ["publish", "limit"])
def test_json_that_is_not_what_grafana_says_is_no_success(command: str, answer: object, run: Run) -> None:
    with serving(answering(lambda _: web.json_response(answer))) as address:
        ended = run(command, address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "uploaded" not in ended.stdout
    assert ": made" not in ended.stdout


FOLDER, MADE, RIGHTS = "/api/folders/platform", "/api/folders", "/api/folders/platform/permissions"
UPLOAD, FIRST = "/api/dashboards/db", f"/api/dashboards/uid/{min(CLASSIC)}"


@pytest.mark.parametrize("content", [LOGIN, "{}", '{"uid": "other"}'])
@pytest.mark.parametrize("place", ["/api/health", FOLDER, MADE, RIGHTS, UPLOAD, FIRST])
def test_each_single_answer_has_to_be_grafanas(place: str, content: str, grafana: Grafana, run: Run) -> None:
    """Grafana as it is, but for one place, where a proxy answers."""

    @web.middleware
    async def instead(request: web.Request, handler: Callable[[web.Request], object]) -> object:
        if request.path == place:
            return web.Response(text=content, content_type="text/html" if content == LOGIN else "application/json")
        return await handler(request)  # type: ignore[misc]

    app = grafana.app()
    app.middlewares.append(instead)  # type: ignore[arg-type]
    with serving(app) as address:
        ended = run("publish", address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stdout.count("uploaded") == 0


@pytest.mark.parametrize("path", ["/grafana", "/a/b"])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_grafana_below_a_path_is_reached_with_and_without_a_slash(path: str, end: str, run: Run) -> None:
    with running(Grafana(path=path)) as grafana:
        ended = run("publish", f"{grafana.address}{end}", GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert grafana.dashboards.keys() == CLASSIC.keys()


@pytest.mark.parametrize("stripping", [False, True], ids=["serve_from_sub_path", "a proxy that strips the path"])
async def test_a_grafana_below_a_path_of_the_real_nginx_is_reached(stripping: bool, run: Run, tmp_path: Path) -> None:
    port = free_port()
    strip = "rewrite ^/grafana/(.*) /$1 break; " if stripping else ""
    changed = {"proxy_pass http://grafana;": f"{strip}proxy_pass http://grafana;"}
    with running(Grafana(path="" if stripping else "/grafana")) as grafana:
        behind = grafana.address.removeprefix("http://").removesuffix("/grafana")
        async with nginx(tmp_path, port, behind, "127.0.0.1:9", changed):
            address = f"http://127.0.0.1:{port}/grafana"
            ended = await asyncio.to_thread(run, "publish", address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert grafana.dashboards.keys() == CLASSIC.keys()


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("/login?token=secret", "leads to {}/login, which isn't Grafana's API"),
        ("https://sso.example.org/?next=secret", "leads to https://sso.example.org/, which isn't Grafana's API"),
        ("/grafana/api/health", "leads to {}/grafana/api/health: give --grafana {}/grafana"),
        ("https://grafana.example.org/api/health", "give --grafana https://grafana.example.org\n"),
        ("http://user:secret@[", "leads to another address, which can't be read"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_error_that_names_where_it_leads(status: int, location: str, said: str, run: Run) -> None:
    with serving(answering(lambda _: web.Response(status=status, headers={"Location": location}))) as address:
        ended = run("publish", address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert said.format(address, address) in ended.stderr
    assert "secret" not in ended.stderr


def test_a_page_of_another_path_is_a_line_that_asks_for_the_right_one(run: Run) -> None:
    with running(Grafana(path="/grafana")) as grafana:
        ended = run("publish", grafana.address.removesuffix("/grafana"), GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "404: Grafana isn't at this address: give the one that browsers show, with its path" in ended.stderr


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("grafana.example.org", "not a web address"),
        ("ftp://grafana.example.org", "not a web address"),
        ("https://", "not a web address"),
        ("https://host:port/", "not a web address"),
        ("https://host/gra fana", "not a web address"),
        ("https://admin:hunter2@grafana.example.org", "takes no user and password: give a token"),
        ("https://grafana.example.org/?orgId=1", "takes the address alone"),
    ],
)
def test_an_address_that_is_none_is_a_line(address: str, said: str, run: Run) -> None:
    ended = run("publish", address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert said in ended.stderr
    assert "hunter2" not in ended.stderr


def test_a_grafana_that_is_not_there_is_a_line(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    ended = run("publish", f"http://127.0.0.1:{port}", GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "can't be reached: Connection refused" in ended.stderr


def test_the_token_may_stand_in_a_file(grafana: Grafana, run: Run, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")

    assert run("publish", grafana.address, GRAFANA_TOKEN_FILE=str(tmp_path / "token")).returncode == 0


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({}, "no token: give that of a service account with role Admin in GRAFANA_TOKEN or GRAFANA_TOKEN_FILE"),
        ({"GRAFANA_TOKEN": "glsa_old"}, "401: Invalid API key: the token isn't valid here"),
        ({"GRAFANA_TOKEN": "glsa_a\nglsa_b"}, "GRAFANA_TOKEN: isn't a token"),
        ({"GRAFANA_TOKEN_FILE": "nowhere"}, "GRAFANA_TOKEN_FILE: can't be read"),
    ],
)
def test_without_a_token_that_is_good_it_says_so_in_a_line(
    environment: dict[str, str], line: str, grafana: Grafana, run: Run
) -> None:
    ended = run("publish", grafana.address, **environment)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert line in ended.stderr
    assert "glsa_" not in ended.stderr
