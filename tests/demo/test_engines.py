"""``python -m demo --engine …``: another queue with its real workers, watched by the same programs."""

import json
import signal
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from demo.engines import ENGINES
from tests.dashboards.dashboards import panel
from tests.demo.processes import runs
from tests.demo.test_demo import PATIENCE, demo, descendants, free_port, other_ports, told
from tests.exporter.scrape import OPENMETRICS, Scrape


@pytest.mark.parametrize("engine", ENGINES)
def test_real_workers_of_another_engine_work_and_leave_nothing(engine: str, reachable: Path) -> None:
    port, preview = free_port(), free_port()
    ports = ["--exporter-port", str(port), *other_ports(), "--preview-port", str(preview)]
    with demo("--engine", engine, *ports, TMPDIR=str(reachable)) as process:
        text = told(process)
        everybody = descendants(process.pid)
        page = until_worked(port)
        history = recent_jobs(preview)

        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=PATIENCE)

    assert f"real workers of {engine}" in text
    assert page.select("jobqueue_schedule_info", job_type="sessions.cleanup", cron="* * * * *")
    assert {"email.send", "completed"} <= {cell for row in history for cell in row if isinstance(cell, str)}
    assert "chaos" not in text
    assert set(page.by("worker", "jobqueue_worker_online").values()) == {1.0}
    assert (process.returncode, complaints) == (0, "")
    deadline = time.monotonic() + PATIENCE
    while any(map(runs, everybody)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert list(reachable.iterdir()) == []


def recent_jobs(port: int) -> list[list[object]]:
    """The rows of the dashboards' job history."""
    dashboard = "system-status-jobs"
    shown = panel(dashboard, "Recent Job History")
    question = {"dashboard": dashboard, "panel": shown["id"], "refId": "A", "variables": {"source": ["main"]}}
    origin = f"http://127.0.0.1:{port}"
    body = json.dumps(question).encode()
    asked = Request(f"{origin}/preview/sql", body, {"Origin": origin})  # noqa: S310 -- our own address
    with urlopen(asked) as answer:  # noqa: S310 -- our own address
        rows: list[list[object]] = json.load(answer)["rows"]
    return rows


def until_worked(port: int) -> Scrape:
    """Look at the page until jobs have been done."""
    deadline = time.monotonic() + PATIENCE
    while True:
        request = Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": OPENMETRICS})
        with urlopen(request) as answer:  # noqa: S310 -- our own address
            page = Scrape(answer.read().decode())
        if (page.value("jobqueue_runs_total", job_type="email.send") or 0) > 0:
            return page
        assert time.monotonic() < deadline
        time.sleep(0.5)
