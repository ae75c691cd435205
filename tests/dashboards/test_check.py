"""``python -m dashboards check`` finds what passes without a word in Grafana."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from dashboards import check
from dashboards.files import FOLDER, TABBED
from tests.dashboards.dashboards import BUILT, Json

JOBS = "system-status-jobs.json"


def _beside(board: Json) -> None:
    next(panel for panel in board["panels"] if panel["title"] == "Scheduled Jobs")["gridPos"]["x"] = 1


def _over(board: Json) -> None:
    board["panels"][2]["gridPos"]["y"] = 5


def _undeclared(board: Json) -> None:
    board["panels"][0]["title"] = "$nobody"


def _unknown(board: Json) -> None:
    board["panels"][0]["targets"][0]["expr"] = "sum(jobqueue_jobs_bucket)"


def _dead(board: Json) -> None:
    board["links"][0]["url"] = "/d/system-status-gone"


def _swallowed(board: Json) -> None:
    board["links"][0]["url"] = "/control/"


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (_beside, "panel 'Scheduled Jobs' leaves the 24 columns"),
        (_over, "panels 'Firing alerts: $firing' and 'Scheduled Jobs' overlap"),
        (_undeclared, "variable ${nobody} is not declared"),
        (_unknown, "metric jobqueue_jobs_bucket is not in the catalogue"),
        (_dead, "link to /d/system-status-gone, which is no dashboard"),
        (_swallowed, "link '● Background Jobs' to /control/ opens in the same tab, where Grafana finds no such page"),
    ],
)
def test_a_fault_is_one_line(spoil: Callable[[Json], None], fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    boards = deepcopy(dict(BUILT))
    spoil(boards[JOBS])
    monkeypatch.setattr(check, "built", lambda: boards)

    found = list(check.faults(FOLDER))

    assert found == [f"{JOBS}: stale: run python -m dashboards build", f"{JOBS}: {fault}"]


def test_the_tabbed_one_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    boards = deepcopy(dict(BUILT))
    boards[TABBED]["spec"]["title"] = "${nobody:pipe}"
    monkeypatch.setattr(check, "built", lambda: boards)

    assert f"{TABBED}: variable ${{nobody}} is not declared" in list(check.faults(FOLDER))


def test_files_that_are_stale_missing_or_left_over_are_named(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    edited = json.loads((tmp_path / JOBS).read_text())
    (tmp_path / JOBS).write_text(json.dumps(edited | {"title": "by hand"}))
    (tmp_path / TABBED).rename(tmp_path / "system-status-old.json")

    assert [fault.split(": run")[0] for fault in check.faults(tmp_path)] == [
        f"{JOBS}: stale",
        f"{TABBED}: not built",
        "system-status-old.json: no dashboard of ours any more",
    ]


def test_the_command_says_nothing_and_ends_with_0_when_all_is_well() -> None:
    ended = subprocess.run([sys.executable, "-m", "dashboards", "check"], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
