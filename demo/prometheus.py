"""Prometheus, when it is on this machine."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from demo import rules
from demo.ports import Ports, get

LOOKBACK = "75s"
"""What a demo remembers from before its begin has a value each minute, and no mark where a series ends."""
_RUNBOOKS = Path(__file__).parents[1] / "docs/runbooks"
_FETCHED = Path(__file__).parents[1] / ".tools/prometheus/usr/bin/prometheus"

_CONFIGURATION = """\
global:
  scrape_interval: {scrape}
  evaluation_interval: {evaluation}
  external_labels:
    grafana_url: "http://127.0.0.1:{ports.preview}"
    runbooks_url: "{runbooks}"
rule_files: ["{rules}"]
alerting:
  # The links are in the alerts' annotations by now, and needn't be labels of theirs.
  alert_relabel_configs: [{{regex: grafana_url|runbooks_url, action: labeldrop}}]
  alertmanagers:
    - static_configs: [{{targets: ["127.0.0.1:{ports.alertmanager}"]}}]
scrape_configs:
  - job_name: system-status
    static_configs:
      - targets: ["127.0.0.1:{ports.exporter}", "127.0.0.1:{ports.control}"]
"""


def find() -> Path | None:
    """The program: that on the PATH, or a copy among the project's tools; None when there is neither."""
    found = shutil.which("prometheus")
    if found is not None:
        return Path(found)
    return _FETCHED if _FETCHED.exists() else None


def command(program: Path, directory: Path, ports: Ports, alert_speed: float) -> Sequence[str | Path]:
    """How to run *program*, with its configuration and data in *directory*, and rules for *alert_speed*."""
    configuration = directory / "prometheus.yml"
    configuration.write_text(
        _CONFIGURATION.format(
            scrape=_interval(5, alert_speed),
            evaluation=_interval(15, alert_speed),
            runbooks=_RUNBOOKS.as_uri(),
            rules=rules.write(directory / "rules", alert_speed),
            ports=ports,
        )
    )
    return [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={data(directory)}",
        f"--query.lookback-delta={LOOKBACK}",
        f"--web.listen-address=127.0.0.1:{ports.prometheus}",
    ]


def has_scraped(port: int) -> bool:
    """Whether it knows the exporter and the control API by now: a dashboard opened earlier would have no buttons."""
    answer = get(port, f"/api/v1/query?query={quote('count(up == 1) == 2')}")
    return answer is not None and '"value"' in answer


def data(directory: Path) -> Path:
    """Where its data is when it runs in *directory*."""
    return directory / "data"


def _interval(seconds: float, alert_speed: float) -> str:
    return f"{max(1, round(seconds / alert_speed))}s"
