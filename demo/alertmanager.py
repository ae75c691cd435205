"""Alertmanager, when it is on this machine, with the project's own routes."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml

_ROOT = Path(__file__).parents[1]
_CONFIGURATION = _ROOT / "alerts/alertmanager.yml"
_RUN = _ROOT / "scripts/alertmanager"
_NAMES = ("alertmanager", "prometheus-alertmanager")


def find() -> Path | None:
    """What runs the program; None when it is neither on the PATH nor among the project's tools."""
    there = (_ROOT / ".tools/prometheus-alertmanager").exists() or any(map(shutil.which, _NAMES))
    return _RUN if there else None


def command(program: Path, directory: Path, port: int, webhook_port: int, speed: float) -> Sequence[str | Path]:
    """How to run *program*: it tells the webhook on *webhook_port*, and waits *speed* times as short before it does."""
    configuration = yaml.safe_load(_CONFIGURATION.read_text("utf-8"))
    for receiver in configuration["receivers"]:
        receiver["webhook_configs"] = [{"url": f"http://127.0.0.1:{webhook_port}/{receiver['name']}"}]
    for route in (configuration["route"], *configuration["route"]["routes"]):
        for wait in {"group_wait", "group_interval"} & route.keys():
            route[wait] = _shorter(route[wait], speed)
    file = directory / "alertmanager.yml"
    file.write_text(yaml.safe_dump(configuration), "utf-8")
    return [
        program,
        f"--config.file={file}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


def _shorter(wait: str, speed: float) -> str:
    seconds = int(wait[:-1]) * {"s": 1, "m": 60}[wait[-1]] / speed
    return f"{round(1000 * seconds)}ms"
