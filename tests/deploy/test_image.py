"""The Dockerfile, by a linter, and what its commands install, where there is no source."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.deploy.compose import ROOT
from tests.deploy.native import ENTRYPOINT, complete, free_port, running, well
from tests.security.test_supply_chain import locked

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
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image's Python: made as the Dockerfile makes it, by its own commands, of what it copies and nothing else."""
    folder, source = tmp_path_factory.mktemp("image"), tmp_path_factory.mktemp("source")
    for path in COPIED:
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        copy(ROOT / path, source / path)
    venv.create(folder / "base", with_pip=True)
    [command] = re.findall(r"^RUN ((?:.*\\\n)*.*pip install.*)$", DOCKERFILE, re.M)
    given = {**os.environ, "PATH": f"{folder}/base/bin:{os.environ['PATH']}"}
    made = subprocess.run(
        ["sh", "-ec", command.replace("/venv", f"{folder}/venv")], cwd=source, env=given, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return str(folder / "venv/bin/python")


def test_what_is_installed_has_every_file_of_its_packages(python: str) -> None:
    files = [file for name in PACKAGES for file in (ROOT / name).rglob("*.*") if file.parent.name != "__pycache__"]
    [packages] = Path(python).parents[1].glob("lib/python*/site-packages")

    missing = [file for file in files if not (packages / file.relative_to(ROOT)).is_file()]

    assert missing == []
    assert {file.suffix for file in files} >= {".py", ".sql", ".j2", ".css", ".svg", ".sh"}


def test_the_packages_of_the_programs_are_installed_and_no_others(python: str) -> None:
    code = "from importlib.metadata import distributions; print(*{each.name for each in distributions()})"
    wanted = {name for name, package in locked("requirements-image.lock").items() if package.is_for_here()}

    installed = {canonicalize_name(name) for name in complete([python, "-c", code], {}).split()}

    assert installed - {"pip", "setuptools"} == wanted | {"system-status"}


def test_what_is_installed_needs_no_source(python: str) -> None:
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
