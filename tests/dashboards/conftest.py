import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.__main__ import main
from demo import prometheus
from demo.ports import get
from demo.processes import Child
from tests.dashboards.commands import Ended, Run
from tests.dashboards.exposition import exposition
from tests.dashboards.filled import Filled


@pytest.fixture(scope="package")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("prometheus")
    program = prometheus.find()
    assert program, "no prometheus here: make test fetches it, or run scripts/debian-tool prometheus"
    moment = int(time.time()) - 3600
    (folder / "series.txt").write_text(exposition(moment))
    fill: list[str | Path] = ["tsdb", "create-blocks-from", "openmetrics", folder / "series.txt", folder / "data"]
    subprocess.run([program.with_name("promtool"), *fill], check=True, capture_output=True, timeout=60)
    (folder / "prometheus.yml").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    command: list[str | Path] = [program, *options, f"--web.listen-address=127.0.0.1:{port}"]
    child = Child.start("prometheus", command, log=folder / "prometheus.log")
    for _ in range(300):
        if get(port, "/-/ready") is not None:
            break
        time.sleep(0.1)
    yield Filled(port, moment)
    child.stop()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``python -m dashboards publish`` or ``limit`` with that address and that environment."""
    for name in ("GRAFANA_TOKEN", "GRAFANA_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)

    def command(command: str, address: str, *options: str, **environment: str) -> Ended:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["dashboards", command, "--grafana", address, *options])
        code = main()
        return Ended(code, *capsys.readouterr())

    return command
