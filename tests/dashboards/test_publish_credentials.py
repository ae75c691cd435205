"""The token that publishes dashboards, and what it is used for."""

from collections.abc import Iterator

import pytest
from aiohttp import web

from tests.dashboards.commands import Run
from tests.dashboards.dashboards import CLASSIC
from tests.dashboards.grafana import NEW_FOLDER, TOKEN, Grafana, running, serving

COMMANDS = pytest.mark.parametrize("command", ["publish", "limit"])


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with running(Grafana()) as grafana:
        yield grafana


@COMMANDS
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_publishing_follows_no_redirect_with_the_token(command: str, status: int, grafana: Grafana, run: Run) -> None:
    async def lead_away(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{grafana.address}{request.path}"})

    away = web.Application()
    away.router.add_route("*", "/{anything:.*}", lead_away)
    with serving(away) as address:
        ended = run(command, address, GRAFANA_TOKEN=TOKEN)

    assert ended.returncode == 1
    assert f"give --grafana {grafana.address}" in ended.stderr
    assert grafana.orders == []


@COMMANDS
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 500])
@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_publishing_shows_no_token_whatever_the_other_side_says(command: str, status: int, kind: str, run: Run) -> None:
    async def repeat(request: web.Request) -> web.Response:
        said = f'{{"message": "{request.headers["Authorization"]}", "database": "ok", "uid": "{TOKEN}"}}'
        return web.Response(status=status, text=said, content_type=kind)

    parrot = web.Application()
    parrot.router.add_route("*", "/{anything:.*}", repeat)
    with serving(parrot) as address:
        ended = run(command, address, GRAFANA_TOKEN=TOKEN)

    assert ended.returncode == 1
    assert TOKEN not in ended.stdout + ended.stderr


def test_publishing_sets_the_rights_of_no_folder_that_it_did_not_make(grafana: Grafana, run: Run) -> None:
    grafana.folders["platform"], grafana.permissions["platform"] = "Platform", NEW_FOLDER

    for options in ([], ["--overwrite"], ["--title", "Platform"], ["--dry-run"]):
        run("publish", grafana.address, *options, GRAFANA_TOKEN=TOKEN)

    assert grafana.permissions == {"platform": NEW_FOLDER}
    assert not any("permissions" in order for order in grafana.changes)


def test_a_folder_that_was_made_and_could_not_be_limited_gets_no_dashboard(grafana: Grafana, run: Run) -> None:
    grafana.forbids = ("/api/folders/platform/permissions",)

    ended = run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, grafana.dashboards) == (1, {})
    assert "The folder isn't limited yet: for admins only: python -m dashboards limit" in ended.stderr
    grafana.forbids = ()
    assert run("limit", grafana.address, GRAFANA_TOKEN=TOKEN).returncode == 0
    assert run("publish", grafana.address, GRAFANA_TOKEN=TOKEN).returncode == 0
    assert grafana.permissions == {"platform": []}
    assert grafana.dashboards.keys() == CLASSIC.keys()
