"""A platform that misbehaves, a real Prometheus, a real Alertmanager: what is delivered, and what is taken back."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import yaml

from demo.ports import Ports
from jobqueue.config import Janitor
from preview.chromium import browser, open_tab
from tests.demo.conftest import reachable
from tests.preview.page import Page
from tests.waiting import PATIENCE

__all__ = ["reachable"]

ROOT = Path(__file__).parents[2]
SPEED, ALERT_SPEED = "60", "120"
FAIL_STUCK = """
UPDATE ascent.jobs SET state = 'failed', finished_at = now(), last_error = 'stuck'
 WHERE state = 'active' AND started_at < now() - %s
"""
LINE = re.compile(
    r"(?P<status>firing|resolved) +(?P<severity>\w+) +(?P<name>JobQueue\w+) (?P<about>[^:]*): .* (?P<links>\S+ \S+)"
)
EXPECTED = {
    "failing-job": ("JobQueueFailureBudgetBurn", "main files.thumbnail"),
    "stuck-worker": ("JobQueueWorkerStuck", "main "),
    "missed-tick": ("JobQueueTickMissed", "main uptime.probe"),
    "backlog": ("JobQueueBacklogGrowing", "main contacts.import"),
    "slow-job": ("JobQueueDurationRegressed", "main files.thumbnail"),
    "dead-workers": ("JobQueueNoWorkersOnline", "main"),
}
[EXPORTERS] = [group["rules"] for group in yaml.safe_load((ROOT / "alerts/rules/exporter.yml").read_text())["groups"]]
BESIDE = {
    *(alert["alert"] for alert in EXPORTERS),  # the exporter reads no faster than it does, and CI may be busy
    "JobQueueActiveTooLong",  # for the same reason: what the janitor ended is seen late
    "JobQueueFailureRateHigh",  # the failing job's, before its budget burns
    "JobQueueReadyAgeHigh",  # the backlog's, and that of what dead workers leave
    "JobQueueStalled",  # dead workers', for a moment before nobody is online
    "JobQueueScheduleNeverSucceeds",  # the missed tick's, when it has been missed for an hour
    "JobQueueVersionSkew",  # the demo's own: one of its workers is of another version
    "JobQueueWorkerOffline",  # dead workers'
}
"""What may be told with them, of the same troubles."""


def free_ports(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclass
class Demo:
    """A running demo, and what it has said so far."""

    process: subprocess.Popen[str]
    page: str
    database: str = ""
    said: list[str] = field(default_factory=list)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())

    @property
    def unexpected(self) -> list[str]:
        """What was delivered of other alerts."""
        names = {name for name, _ in EXPECTED.values()} | BESIDE
        return [line for line in self.said if (found := LINE.match(line)) and found["name"] not in names]

    def delivered(self, status: str, kind: str) -> str | None:
        """The links of the newest such delivery."""
        name, about = EXPECTED[kind]
        for found in filter(None, map(LINE.match, reversed(self.said))):
            if (found["status"], found["name"]) == (status, name) and found["about"].startswith(about):
                return found["links"]
        return None

    def until(self, status: str, kinds: list[str]) -> None:
        end = time.monotonic() + 2 * PATIENCE
        while missing := [kind for kind in kinds if self.delivered(status, kind) is None]:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, (status, missing, self.said)
            time.sleep(0.2)

    @contextmanager
    def chaos(self, kinds: list[str]) -> Iterator[None]:
        with subprocess.Popen(
            [sys.executable, "-m", "demo", "chaos", *kinds], cwd=ROOT, env=environment(), stderr=subprocess.PIPE
        ) as process:
            try:
                yield
            finally:
                process.send_signal(signal.SIGINT)
                _, complaints = process.communicate(timeout=10)
        assert complaints == b""


@contextmanager
def janitor(address: str) -> Iterator[None]:
    """The page's own janitor with its default limit, as much faster as the alerts are."""
    ended = Event()
    limit = Janitor().fail_active_after / int(ALERT_SPEED)

    def fail_stuck() -> None:
        with psycopg.connect(address, autocommit=True) as conn:
            while not ended.wait(1):
                conn.execute(FAIL_STUCK, [limit])

    running = Thread(target=fail_stuck)
    running.start()
    try:
        yield
    finally:
        ended.set()
        running.join()


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}


@pytest.fixture
def demo(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    monkeypatch.setenv("TMPDIR", str(reachable))
    names = [field.name for field in fields(Ports)]
    free = dict(zip(names, free_ports(len(names)), strict=True))
    ports = [text for name, port in free.items() for text in (f"--{name}-port", port)]
    command = [sys.executable, "-m", "demo", *ports, "--speed", SPEED, "--alert-speed", ALERT_SPEED, "--steady"]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        running = Demo(process, f"http://127.0.0.1:{free['preview']}")
        listener = Thread(target=running.listen)
        listener.start()
        try:
            end = time.monotonic() + PATIENCE
            while not any(line.startswith("stop ") for line in running.said):
                assert process.poll() is None, running.said
                assert time.monotonic() < end, running.said
                time.sleep(0.1)
            [*_, address] = [line for line in running.said if line.startswith("PostgreSQL ")]
            running.database = address.split()[-1]
            yield running
        finally:
            process.terminate()
            listener.join(20)


async def test_each_chaos_is_told_with_its_links_and_taken_back_when_it_ends(demo: Demo, tmp_path: Path) -> None:
    together = ["failing-job", "stuck-worker", "slow-job"]

    with janitor(demo.database):
        # Alone and first: what has grown for long no longer grows by a fifth in half an hour.
        with demo.chaos(["backlog"]):
            demo.until("firing", ["backlog"])
        # A tick counts as missed after a grace of a minute, a worker as dead after one.
        with demo.chaos(["missed-tick"]):
            with demo.chaos(together):
                demo.until("firing", together)
            demo.until("resolved", ["stuck-worker"])  # a worker that is killed leaves its job behind
            with demo.chaos(["dead-workers"]):
                demo.until("firing", ["dead-workers", "missed-tick"])
        demo.until("resolved", list(EXPECTED))
    assert demo.unexpected == []

    with browser(tmp_path / "profile") as address:
        for kind, (name, about) in EXPECTED.items():
            links = demo.delivered("firing", kind)
            assert links is not None
            dashboard, runbook = links.split()
            assert runbook == (ROOT / f"docs/runbooks/{name}.md").as_uri()
            async with open_tab(address) as tab:
                await opens_the_right_dashboard(Page(demo.page, tab), dashboard, *about.split())


async def opens_the_right_dashboard(page: Page, link: str, source: str, job_type: str | None = None) -> None:
    assert link.startswith(page.url)
    await page.open(link.removeprefix(page.url))
    shown = {one["name"]: one["value"] for one in (await page.dump())["variables"]}

    assert shown["source"] == [source]
    assert shown.get("job_type") == parse_qs(urlsplit(link).query).get("var-job_type", [None])[0]
    assert job_type in (None, shown.get("job_type"))
