"""Who hears of an alert, and which alert silences which: asked of amtool and of a running Alertmanager."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from demo import alertmanager
from demo.ports import get
from demo.processes import Child
from tests.alerts.expressions import ROOT, alerts
from tests.demo.test_demo import free_port
from tests.waiting import PATIENCE

CONFIGURATIONS = sorted((ROOT / "alerts").glob("alertmanager*.yml"))
UNPACKED = ROOT / ".tools/prometheus-alertmanager/usr/bin/amtool"
RECEIVERS = {"critical": "pager", "warning": "chat", "info": "log"}


def amtool(*arguments: str | Path) -> str:
    program = shutil.which("amtool") or shutil.which(UNPACKED)
    assert program is not None, "amtool isn't there: `make test` fetches it"
    result = subprocess.run([program, *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.stem)
def test_the_configuration_passes_alertmanagers_own_check(file: Path) -> None:
    assert "SUCCESS" in amtool("check-config", file)


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.stem)
@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: f"{alert.name}-{alert.severity}")
def test_each_alert_goes_where_its_severity_says(file: Path, alert: Any) -> None:
    labels = [f"alertname={alert.name}", f"severity={alert.severity}", "source=main", "job_type=x"]

    assert amtool("config", "routes", "test", f"--config.file={file}", *labels) == RECEIVERS[alert.severity]


def test_the_examples_differ_in_their_receivers_alone_and_hold_no_secret() -> None:
    ours, example = (yaml.safe_load(file.read_text()) for file in reversed(CONFIGURATIONS))

    assert {key: ours[key] for key in ("route", "inhibit_rules")} == {
        key: example[key] for key in ("route", "inhibit_rules")
    }
    assert [each["name"] for each in ours["receivers"]] == [each["name"] for each in example["receivers"]]
    text = json.dumps(example)
    for secret in ("routing_key", "api_url", "smtp_auth_password"):
        assert f'"{secret}_file": "/run/secrets/' in text
        assert f'"{secret}":' not in text


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("alertmanager")
    program, port = alertmanager.find(), free_port()
    assert program is not None, "Alertmanager isn't there: `make test` fetches it"
    command = alertmanager.command(program, folder, port, webhook_port=free_port(), speed=1)
    child = Child.start("alertmanager", command, log=folder / "log")
    end = time.monotonic() + PATIENCE
    while get(port, "/-/ready") is None:
        assert time.monotonic() < end, child.last_words()
        time.sleep(0.1)
    yield port
    child.stop()


def told(
    port: int, fired: list[dict[str, str]], silenced: Sequence[tuple[str, str]] = ()
) -> dict[tuple[str, str], bool]:
    """Tells it of alerts, answers which of them are silenced by another; it may take a moment until *silenced* are."""
    now = datetime.now(UTC).isoformat()
    body = json.dumps([{"labels": labels, "startsAt": now} for labels in fired]).encode()
    request = Request(f"http://127.0.0.1:{port}/api/v2/alerts", body, {"Content-Type": "application/json"})
    urlopen(request).close()  # noqa: S310 -- our own loopback
    end = time.monotonic() + PATIENCE
    while True:
        found = json.loads(get(port, "/api/v2/alerts") or "[]")
        states = {
            (each["labels"]["alertname"], each["labels"]["severity"]): bool(each["status"]["inhibitedBy"])
            for each in found
            if each["labels"] in fired
        }
        if (len(states) == len(fired) and all(states[one] for one in silenced)) or time.monotonic() > end:
            return states
        time.sleep(0.1)


def alert(name: str, severity: str, source: str, **labels: str) -> dict[str, str]:
    return {"alertname": name, "severity": severity, "source": source, **labels}


@pytest.mark.parametrize(
    ("loud", "silenced"),
    [
        (("JobQueueExporterDown", "critical"), ("JobQueueReadyAgeHigh", "critical")),
        (("JobQueueExporterDown", "critical"), ("JobQueueSourceUnreadable", "critical")),
        (("JobQueueSourceUnreadable", "critical"), ("JobQueueCollectorFailing", "warning")),
        (("JobQueueSourceUnreadable", "critical"), ("JobQueueJanitorNotRunning", "warning")),
        (("JobQueueReadyAgeHigh", "critical"), ("JobQueueReadyAgeHigh", "warning")),
        (("JobQueueFailureBudgetBurn", "critical"), ("JobQueueFailureRateHigh", "warning")),
        (("JobQueueNoWorkersOnline", "critical"), ("JobQueueStalled", "critical")),
        (("JobQueueNoWorkersOnline", "critical"), ("JobQueueWorkerOffline", "warning")),
        (("JobQueueStalled", "critical"), ("JobQueueReadyAgeHigh", "critical")),
        (("JobQueueScheduleNeverSucceeds", "critical"), ("JobQueueScheduledJobFailing", "warning")),
    ],
)
def test_the_cause_silences_what_follows_from_it_in_its_own_source_alone(
    running: int, loud: tuple[str, str], silenced: tuple[str, str]
) -> None:
    source, elsewhere = (
        f"{loud[0]}-{silenced[0]}-{silenced[1]}".lower(),
        f"else-{loud[0]}-{silenced[0]}-{silenced[1]}".lower(),
    )
    about = (
        {}
        if loud[0] in ("JobQueueExporterDown", "JobQueueSourceUnreadable", "JobQueueNoWorkersOnline")
        else {"job_type": "x"}
    )

    here = told(running, [alert(*loud, source, **about), alert(*silenced, source, job_type="x")], [silenced])
    there = told(running, [alert(*silenced, elsewhere, job_type="x")])

    assert here == {loud: False, silenced: True}
    assert there == {silenced: False}


@pytest.mark.parametrize("loud", ["JobQueueExporterDown", "JobQueueSourceUnreadable"])
def test_what_an_admin_did_is_told_whether_or_not_the_queue_is_read(running: int, loud: str) -> None:
    down, done = (loud, "critical"), ("JobQueueDestructiveAction", "info")
    stale = ("JobQueueDataStale", "warning")
    source = f"{loud}-admin".lower()
    fired = [alert(*down, source), alert(*done, source, action="fail-active"), alert(*stale, source)]

    assert told(running, fired, [stale]) == {down: False, done: False, stale: True}


def test_alerts_of_other_teams_in_the_same_alertmanager_are_left_alone(running: int) -> None:
    ours, silenced = ("JobQueueReadyAgeHigh", "critical"), ("JobQueueReadyAgeHigh", "warning")
    fired = [
        {"alertname": "DiskFull", "severity": "critical", "device": "sda"},
        {"alertname": "DiskFull", "severity": "warning", "device": "sdb"},
        alert(*ours, "three", job_type="x"),
        alert(*silenced, "three", job_type="x"),
    ]

    assert told(running, fired, [silenced]) == {
        ("DiskFull", "critical"): False,
        ("DiskFull", "warning"): False,
        ours: False,
        silenced: True,
    }


def test_trouble_of_another_job_type_is_told_all_the_same(running: int) -> None:
    burn, high = ("JobQueueFailureBudgetBurn", "critical"), ("JobQueueFailureRateHigh", "warning")

    assert told(running, [alert(*burn, "two", job_type="x"), alert(*high, "two", job_type="y")]) == {
        burn: False,
        high: False,
    }
