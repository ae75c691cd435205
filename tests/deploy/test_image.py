"""The Dockerfile, by a linter, and the wheel that it installs, where there is no source."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.deploy.compose import ROOT
from tests.deploy.native import ENTRYPOINT, complete, free_port, running, well

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COPIED = [path for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M) for path in line.split()]
PACKAGES = ("jobqueue", "exporter", "control_api", "demo")


def test_the_linter_has_nothing_to_say() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"

    checked = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True)

    assert (checked.returncode, checked.stdout) == (0, "")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(COPIED)
    assert all((ROOT / path).exists() for path in COPIED)


def test_no_program_runs_as_root_and_all_run_from_one_entry_point() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]

    assert re.search(r"^USER 10001:10001$", last, re.M)
    entry = re.search(r"^ENTRYPOINT (.*)$", last, re.M)
    assert entry
    assert json.loads(entry[1])[1:] == ENTRYPOINT[1:]
    assert "HEALTHCHECK" in last


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as the image builds it: from what the Dockerfile copies, and nothing else."""
    folder, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    for path in COPIED:
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        copy(ROOT / path, source / path)
    command = ["wheel", "--quiet", "--no-deps", "--disable-pip-version-check", "--wheel-dir", str(folder), str(source)]
    subprocess.run([sys.executable, "-m", "pip", *command], check=True, capture_output=True)
    [file] = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A fresh Python with the wheel and what it depends on, and no way to the source."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    [packages] = folder.glob("lib/python*/site-packages")
    ZipFile(wheel).extractall(packages)
    # Taken for a folder of modules; the note in it that leads to the source is read only where packages are installed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return str(folder / "bin/python")


def test_the_wheel_holds_every_file_of_its_packages(wheel: Path) -> None:
    files = [file for name in PACKAGES for file in (ROOT / name).rglob("*.*") if file.parent.name != "__pycache__"]

    held = set(ZipFile(wheel).namelist())

    assert {str(file.relative_to(ROOT)) for file in files} <= held
    assert {Path(name).suffix for name in held} >= {".py", ".sql", ".j2", ".css", ".svg", ".sh"}


def test_what_is_installed_comes_from_the_wheel(python: str) -> None:
    code = "import jobqueue, exporter, control_api, demo; print(jobqueue.__file__, exporter.__file__, demo.__file__)"

    assert str(ROOT) not in complete([python, "-c", code], {})


def test_the_installed_programs_do_their_work(python: str, empty_database: str, tmp_path: Path) -> None:
    given = {"DATABASE_URL": empty_database, "LOG_FORMAT": "json"}
    assert "jobs" in complete([python, "-m", "demo", "prepare"], given)
    assert "tables made" in complete([python, "-m", "jobqueue", "migrate"], given)
    assert "jobqueue_last24h_runs{" in complete([python, "-m", "exporter", "--once"], given)

    port, log = str(free_port()), tmp_path / "log"
    given |= {"CONTROL_API_AUTH": "loopback", "CONTROL_API_PORT": port}
    look = "from urllib.request import urlopen; assert b'{}' in urlopen('http://127.0.0.1:{}{}').read()"
    with running([python, "-m", "control_api"], given, log) as process:
        well([python, "-c", look.format("ok", port, "/readyz")], process, log)
        complete([python, "-c", look.format("Run Janitor Now", port, "/control/")], {})
        complete([python, "-c", look.format("font", port, "/control/static/style.css")], {})
