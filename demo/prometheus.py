"""Prometheus, when it is on this machine."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from demo.ports import get

_FETCHED = Path(__file__).parents[1] / ".tools/prometheus/usr/bin/prometheus"

_CONFIGURATION = """\
global:
  scrape_interval: 5s
  evaluation_interval: 15s
scrape_configs:
  - job_name: system-status
    static_configs:
      - targets: ["127.0.0.1:{exporter_port}", "127.0.0.1:{control_port}"]
"""


def find() -> Path | None:
    """The program: that on the PATH, or a copy among the project's tools; None when there is neither."""
    found = shutil.which("prometheus")
    if found is not None:
        return Path(found)
    return _FETCHED if _FETCHED.exists() else None


def command(program: Path, directory: Path, port: int, exporter_port: int, control_port: int) -> Sequence[str | Path]:
    """How to run *program*, with its configuration and data in *directory*."""
    configuration = directory / "prometheus.yml"
    configuration.write_text(_CONFIGURATION.format(exporter_port=exporter_port, control_port=control_port))
    return [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]


def has_scraped(port: int) -> bool:
    """Whether it knows the exporter and the control API by now: a dashboard opened earlier would have no buttons."""
    answer = get(port, f"/api/v1/query?query={quote('count(up == 1) == 2')}")
    return answer is not None and '"value"' in answer
