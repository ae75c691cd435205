"""``python -m dashboards publish``, against a stand-in for Grafana's API: a real Grafana has not been asked."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dashboards.__main__ import main
from tests.dashboards.dashboards import CLASSIC
from tests.dashboards.grafana import TOKEN, Grafana, running


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with running(Grafana()) as grafana:
        yield grafana


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


Publish = Callable[..., Ended]


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Publish:
    """The command with that address and that environment."""
    for name in ("GRAFANA_TOKEN", "GRAFANA_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)

    def command(address: str, **environment: str) -> Ended:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["dashboards", "publish", "--grafana", address])
        code = main()
        return Ended(code, *capsys.readouterr())

    return command


def test_the_dashboards_stand_in_a_folder_that_admins_alone_see(grafana: Grafana, publish: Publish) -> None:
    ended = publish(grafana.address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert grafana.folders == {"platform": "Platform"}
    assert grafana.permissions == {"platform": []}
    assert grafana.dashboards == {uid: ("platform", dashboard) for uid, dashboard in CLASSIC.items()}


def test_the_folder_is_closed_before_anything_is_put_into_it(grafana: Grafana, publish: Publish) -> None:
    publish(grafana.address, GRAFANA_TOKEN=TOKEN)

    closed = grafana.orders.index("POST /api/folders/platform/permissions")
    assert closed < grafana.orders.index("POST /api/dashboards/db")


def test_publishing_again_replaces_what_is_there_and_makes_no_second_folder(grafana: Grafana, publish: Publish) -> None:
    publish(grafana.address, GRAFANA_TOKEN=TOKEN)

    ended = publish(grafana.address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert grafana.orders.count("POST /api/folders") == 1


def test_the_token_may_stand_in_a_file(grafana: Grafana, publish: Publish, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")

    assert publish(grafana.address, GRAFANA_TOKEN_FILE=str(tmp_path / "token")).returncode == 0


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({}, "no token: give that of a service account with role Admin in GRAFANA_TOKEN or GRAFANA_TOKEN_FILE"),
        ({"GRAFANA_TOKEN": "glsa_old"}, "401: Unauthorized: the token isn't valid here"),
        ({"GRAFANA_TOKEN_FILE": "nowhere"}, "GRAFANA_TOKEN_FILE: can't be read"),
    ],
)
def test_without_a_token_that_is_good_it_says_so_in_a_line(
    environment: dict[str, str], line: str, grafana: Grafana, publish: Publish
) -> None:
    ended = publish(grafana.address, **environment)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert line in ended.stderr
    assert "glsa_" not in ended.stderr


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (403, "Access denied", "role Admin"),
        (400, "Cannot save provisioned dashboard", "provisioned from files"),
        (400, "bad request data", "bad request data"),
        (500, "refused", "500: refused"),
    ],
)
def test_a_refusal_is_a_line_with_its_reason(
    status: int, message: str, reason: str, grafana: Grafana, publish: Publish
) -> None:
    grafana.refuses = status, message

    ended = publish(grafana.address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert reason in ended.stderr


def test_a_grafana_that_is_not_there_is_a_line(publish: Publish) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    ended = publish(f"http://127.0.0.1:{port}", GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "can't be reached" in ended.stderr


def test_an_address_without_a_scheme_is_a_line(publish: Publish) -> None:
    ended = publish("grafana.example.org", GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "not a web address" in ended.stderr
