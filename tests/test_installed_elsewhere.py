"""Installed by pip, a program leaves its own files as they are: it writes where it is told to."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel holds, where pip puts it, away from the checkout."""
    place = tmp_path_factory.mktemp("site-packages")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    left_out = shutil.ignore_patterns("node_modules", "__pycache__")
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        shutil.copytree(ROOT / package, place / package, ignore=left_out)
    return place


def files(folder: Path) -> dict[Path, tuple[int, int]]:
    return {file: (file.stat().st_size, file.stat().st_mtime_ns) for file in folder.rglob("*") if file.is_file()}


def run(installed: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """As it runs there: with the packages of the virtual environment, and none of the checkout's own."""
    start = (
        f"import sys, runpy; sys.path = [{str(installed)!r}] + [p for p in sys.path if p not in ('', {str(ROOT)!r})]; "
    )
    start += f"sys.argv = ['x', *{list(command[1:])!r}]; runpy.run_module({command[0]!r}, run_name='__main__')"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", start], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("dashboards", "build"), "dashboards build: needs --to FOLDER"),
        (("preview", "pictures"), "pictures: needs --into FOLDER"),
    ],
    ids=["dashboards", "preview"],
)
def test_a_command_that_writes_files_asks_for_a_folder(
    command: tuple[str, ...], said: str, installed: Path, tmp_path: Path
) -> None:
    before = files(installed)

    ended = run(installed, tmp_path, *command)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert files(installed) == before
    assert files(tmp_path) == {}


def test_the_dashboards_are_written_where_one_says(installed: Path, tmp_path: Path) -> None:
    before = files(installed)

    ended = run(installed, tmp_path, "dashboards", "build", "--to", "here")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert {file.name for file in files(tmp_path / "here")} == {file.name for file in files(ROOT / "dashboards/build")}
    assert files(installed) == before


def test_what_writes_into_the_checkout_is_no_part_of_what_is_installed(installed: Path) -> None:
    """deploy and bench write files that the checkout alone has."""
    assert not (installed / "deploy").exists()
    assert not (installed / "bench").exists()


def test_a_folder_that_can_t_be_written_to_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ended = run(ROOT, tmp_path, "dashboards", "build", "--to", "file/folder")

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "dashboards build: file/folder: can't be written: Not a directory" in ended.stderr
