"""``… | head``: a program whose output nobody reads any more ends without a word, as others do."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.control_api.nginx import free_port
from tests.dashboards.grafana import TOKEN, Grafana, running

ROOT = Path(__file__).parents[1]
FOLDERS = ("jobqueue", "exporter", "control_api", "dashboards", "demo", "preview", "bench", "soak", "deploy")
UNREAD = 128 + signal.SIGPIPE
SPOKEN_TO_BY_PROGRAMS = {
    "demo/platform/process.py",
    "demo/engines/pgboss/__main__.py",
    "demo/engines/procrastinate/__main__.py",
    "demo/engines/oban/program.py",
}
"""Their output goes to the program that starts them, which ends them."""
_NONE: Mapping[str, str] = {}


def programs() -> Iterator[tuple[str, ast.Module]]:
    """Each file that can be run, and what is in it."""
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            if "node_modules" not in file.parts and '__name__ == "__main__"' in (text := file.read_text("utf-8")):
                yield str(file.relative_to(ROOT)), ast.parse(text)


def modules() -> list[str]:
    """What people run, as after ``python -m``."""
    found = sorted({name for name, _ in programs()} - SPOKEN_TO_BY_PROGRAMS)
    return [name.removesuffix(".py").removesuffix("/__main__").replace("/", ".") for name in found]


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"], autouse=True)
def buffering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output is found unread at its end, or line by line."""
    monkeypatch.setenv("PYTHONUNBUFFERED", request.param)


def unread(
    *command: str, cwd: Path = ROOT, errors: bool = False, variables: Mapping[str, str] = _NONE
) -> tuple[int, str]:
    """The exit code and what stands on standard error, of a command whose standard output nobody reads.

    With *errors* nobody reads standard error either.
    """
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=cwd,
            env={**os.environ, **variables},
            stdout=writing,
            stderr=writing if errors else subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    return ended.returncode, ended.stderr or ""


def test_every_program_that_people_run_ends_with_its_reader() -> None:
    found = dict(programs())

    assert found.keys() >= SPOKEN_TO_BY_PROGRAMS
    for name in found.keys() - SPOKEN_TO_BY_PROGRAMS:
        mains = [one for one in found[name].body if isinstance(one, ast.FunctionDef) and one.name == "main"]
        decorators = [ast.unparse(decorator) for one in mains for decorator in one.decorator_list]
        assert decorators == ["ends_with_its_reader"], name


@pytest.mark.parametrize("module", modules())
def test_its_help_that_nobody_reads_is_no_traceback(module: str) -> None:
    code, said = unread(module, "--help")

    assert "Traceback" not in said
    assert code in (0, 2, UNREAD)  # argparse passes over what it can't print


@pytest.mark.parametrize(
    "command",
    [
        ("jobqueue", "metrics"),
        ("jobqueue", "grants"),
        ("jobqueue", "migrate"),
        ("exporter", "--once"),
        ("exporter", "--check"),
        ("control_api", "token", "new", "--name", "ci", "--allow", "run"),
        ("control_api", "token", "list"),
    ],
    ids=" ".join,
)
def test_what_it_prints_of_a_database_and_nobody_reads_is_no_traceback(command: tuple[str, ...], migrated: str) -> None:
    variables = {"DATABASE_URL": migrated, "LOG_LEVEL": "error"}
    if command[-1] == "list":
        new = [sys.executable, "-m", "control_api", "token", "new", "--name", "ci", "--allow", "run"]
        subprocess.run(new, env={**os.environ, **variables}, check=True, capture_output=True)

    assert unread(*command, variables=variables)[0] == UNREAD
    assert "Traceback" not in unread(*command, variables=variables)[1]


def test_what_the_dashboards_print_and_nobody_reads_is_no_traceback(tmp_path: Path) -> None:
    with running(Grafana()) as grafana:
        publish = ("dashboards", "publish", "--dry-run", "--grafana", grafana.address)
        assert unread(*publish, variables={"GRAFANA_TOKEN": TOKEN}) == (UNREAD, "")
    assert unread("dashboards", "build", "--to", str(tmp_path / "built")) == (UNREAD, "")
    assert unread("dashboards", "check", "--folder", str(tmp_path), errors=True) == (UNREAD, "")


def test_what_deploy_prints_and_nobody_reads_is_no_traceback(tmp_path: Path) -> None:
    for folder in ("jobqueue", "dashboards", "deploy", "alerts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))

    assert unread("deploy", cwd=tmp_path) == (UNREAD, "")


def test_alerts_that_nobody_reads_end_the_program_that_prints_them() -> None:
    port = free_port()
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "demo.webhook", str(port)]
    program = subprocess.Popen(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    os.close(reading)
    labels = {"severity": "warning", "alertname": "X"}
    annotations = {"dashboard_url": "d", "runbook_url": "r", "summary": "s"}
    message = {"alerts": [{"status": "firing", "labels": labels, "annotations": annotations}]}
    deliver = ["curl", "--silent", "--retry", "60", "--retry-delay", "1", "--retry-connrefused"]
    deliver += ["--data", json.dumps(message), f"http://127.0.0.1:{port}"]
    subprocess.run(deliver, check=False, capture_output=True)

    _, said = program.communicate(timeout=60)
    assert (program.returncode, said) == (UNREAD, "")


def test_another_pipe_that_breaks_is_still_an_error() -> None:
    code = "from jobqueue.terminal import ends_with_its_reader as e\n@e\ndef main(): raise BrokenPipeError\nmain()"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "BrokenPipeError" in ended.stderr
