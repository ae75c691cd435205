"""For how long each worker has been at its run, as Prometheus computes the column."""

import subprocess
from pathlib import Path

import yaml

from dashboards.promql.workers import current_run
from tests.exporter.promtool import promtool

ONLINE = {"dead": 0, "gone": 0, "well": 1, "idle": 1}
RUNNING = ("dead", "well")
SEEN_LAST = 300


def test_elapsed_counts_on_while_its_worker_is_online_and_stays_when_it_is_gone(tmp_path: Path) -> None:
    expected = [("dead", "a", SEEN_LAST - 60), ("well", "a", 30 * 60 - 60), ("idle", "idle", -1), ("gone", "—", -1)]
    samples = [
        {"labels": f'{{source="main",worker="{worker}",job_type="{job_type}"}}', "value": seconds}
        for worker, job_type, seconds in expected
    ]
    asked = {"expr": current_run().replace("$source", ".+"), "eval_time": "30m", "exp_samples": samples}
    case = {"interval": "1m", "input_series": told(), "promql_expr_test": [asked]}
    file = tmp_path / "elapsed.yml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [case]}))

    result = subprocess.run([promtool(), "test", "rules", file], capture_output=True, text=True)

    assert result.returncode == 0, result.stdout + result.stderr


def told() -> list[dict[str, str]]:
    """What the exporter serves about the workers for half an hour."""
    series: list[dict[str, str]] = []
    for worker, online in ONLINE.items():
        seen = "0+60x30" if online else f"{SEEN_LAST}x30"
        labels = f'source="main",worker="{worker}"'
        series.append({"series": f"jobqueue_worker_online{{{labels}}}", "values": f"{online}x30"})
        series.append({"series": f"jobqueue_worker_last_seen_timestamp_seconds{{{labels}}}", "values": seen})
        if worker in RUNNING:
            name = "jobqueue_worker_current_run_start_timestamp_seconds"
            series.append({"series": f'{name}{{{labels},job_type="a"}}', "values": "60x30"})
    return series
