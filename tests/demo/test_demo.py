"""``python -m demo`` as a newcomer runs it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from urllib.request import urlopen

import pytest

from demo.__main__ import main
from demo.platform.connection import Conn
from tests.demo.jobs import add
from tests.demo.processes import runs

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def other_ports() -> list[str]:
    """Options for all but the exporter's."""
    names = ("control", "prometheus", "alertmanager", "webhook", "preview")
    return [text for name in names for text in (f"--{name}-port", str(free_port()))]


def descendants(pid: int) -> dict[int, str]:
    """Its children, theirs, and so on, with their command lines."""
    found: dict[int, str] = {}
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            found |= {child: Path(f"/proc/{child}/cmdline").read_text().replace("\0", " "), **descendants(child)}
    return found


@contextmanager
def demo(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    with subprocess.Popen(
        [sys.executable, "-m", "demo", *arguments],
        cwd=ROOT,
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        guard = Timer(PATIENCE, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.terminate()


def told(process: subprocess.Popen[str]) -> str:
    """What it says until everything runs."""
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if line.startswith("stop"):
            break
    return "".join(lines)


def test_it_starts_serves_and_leaves_nothing_on_ctrl_c_however_often_pressed(reachable: Path) -> None:
    port = free_port()
    ports = ["--exporter-port", str(port), *other_ports()]
    with demo(*ports, TMPDIR=str(reachable)) as process:
        text = told(process)
        everybody = descendants(process.pid)
        with urlopen(f"http://127.0.0.1:{port}/metrics") as page:
            metrics = page.read().decode()

        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=PATIENCE)

    assert f"curl -s http://127.0.0.1:{port}/metrics" in text
    assert 'jobqueue_last24h_runs{job_type="email.send_due",source="main"} 14' in metrics
    assert (process.returncode, complaints) == (0, "")
    assert len(everybody) > 10
    assert not any(map(runs, everybody))
    assert list(reachable.iterdir()) == []


def test_when_a_part_dies_it_says_which_shows_its_log_and_stops_the_rest(reachable: Path) -> None:
    ports = ["--exporter-port", str(free_port()), *other_ports()]
    with demo(*ports, TMPDIR=str(reachable)) as process:
        told(process)
        everybody = descendants(process.pid)
        [exporter] = [pid for pid, command in everybody.items() if "-m exporter" in command]

        os.kill(exporter, signal.SIGKILL)
        _, complaints = process.communicate(timeout=PATIENCE)

    [left] = reachable.iterdir()
    log = (left / "exporter.log").read_text()
    assert process.returncode == 1
    assert complaints.startswith("demo: exporter ended with exit code -9")
    assert str(left / "exporter.log") in complaints
    assert log.splitlines()[-1] in complaints
    assert not any(map(runs, everybody))


def test_a_port_that_is_taken_is_named_with_the_option_that_chooses_another(reachable: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with demo("--exporter-port", port, TMPDIR=str(reachable)) as process:
            said, complaints = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    why = "can't be used (Address already in use)"
    assert complaints == f"demo: port {port} {why}; choose another with --exporter-port\n"
    assert said == ""
    assert list(reachable.iterdir()) == []


async def test_a_database_with_somebody_elses_queue_is_refused(queue: Conn, database: str, reachable: Path) -> None:
    await add(queue)

    ports = ["--exporter-port", str(free_port()), *other_ports()]
    with demo(*ports, TMPDIR=str(reachable), DATABASE_URL=database) as process:
        _, complaints = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert "give it an empty database" in complaints
    assert complaints.count("\n") == 1


def test_a_database_that_cannot_be_reached_is_told_without_a_traceback() -> None:
    address = f"postgresql://postgres@127.0.0.1:{free_port()}/x"
    with demo("platform", "--database-url", address) as process:
        _, complaints = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert "Traceback" not in complaints
    assert "Connection refused" in complaints


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--workers", "0"], "1 to 20"),
        (["--speed", "fast"], "above 0"),
        (["--exporter-port", "99999"], "1 to 65535"),
        (["platform"], "--database-url or DATABASE_URL"),
    ],
)
def test_wrong_usage_is_explained(
    arguments: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", *arguments])
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
