"""What a real Prometheus makes of the counters while exporters end, are killed, and run side by side."""

import json
import os
import socket
import sys
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from demo import prometheus
from demo.ports import get
from demo.processes import Child
from tests.conftest import Server
from tests.waiting import PATIENCE

SCRAPE_SECONDS = 1.0
FINISHES_PER_SECOND = 20
FRESH = 'sum(increase(jobqueue_run_failures_total{scenario="kill", job_type="fresh"}[1h]))'
FAIL_AT_ONCE = """
INSERT INTO ascent.jobs (job_type, state, created_at, started_at, finished_at)
SELECT 'fresh', 'failed', clock_timestamp(), clock_timestamp(), clock_timestamp() FROM generate_series(1, 30)
"""
QUERY = 'sum(max by (source, job_type) (increase(jobqueue_runs_total{{scenario="{scenario}"}}[1h])))'
SCRAPED = 'max(last_over_time(jobqueue_runs_total{{scenario="{scenario}", job_type="work"}}[1m]))'
FINISH = """
INSERT INTO ascent.jobs (job_type, state, created_at, started_at, finished_at)
VALUES ('work', 'completed', clock_timestamp(), clock_timestamp(), clock_timestamp())
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@dataclass
class Exporter:
    """``python -m exporter`` over one database, in lives."""

    configuration: Path
    port: int = field(default_factory=free_port)
    child: Child | None = None

    def start(self) -> None:
        environment = {**os.environ, "SYSTEM_STATUS_CONFIG": str(self.configuration), "EXPORTER_PORT": str(self.port)}
        self.child = Child.start(
            "exporter",
            [sys.executable, "-m", "exporter"],
            log=self.configuration.with_suffix(".log"),
            environment=environment,
        )

    def end(self) -> None:
        assert self.child
        self.child.stop()

    def kill(self) -> None:
        assert self.child
        self.child.kill()

    def figure(self, metric: str) -> float:
        for line in (get(self.port, "/metrics") or "").splitlines():
            if line.startswith(f'{metric}{{job_type="work"'):
                return float(line.rsplit(" ", 1)[1])
        return 0.0


@dataclass
class Scenario:
    """A database with one or two exporters over it."""

    name: str
    address: str
    exporters: list[Exporter]

    def finished(self) -> int:
        with psycopg.connect(self.address) as conn:
            row = conn.execute("SELECT count(*) FROM ascent.jobs WHERE state = 'completed'").fetchone()
            return int(row[0]) if row else 0


@pytest.fixture
def scenarios(server: Server, migrated_template: str, tmp_path: Path) -> Iterator[dict[str, Scenario]]:
    scenarios = {}
    databases = []
    for name, exporters in (("restart", 1), ("kill", 1), ("two", 2)):
        database = server.create_database(migrated_template)
        databases.append(database)
        configuration = tmp_path / f"{name}.yml"
        source = {"name": "main", "dsn": server.url(database), "poll_interval": 1.0, "scrape_interval": 2.0}
        configuration.write_text(json.dumps({"sources": [source]}))  # JSON is YAML
        with psycopg.connect(server.url(database)) as conn:
            conn.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES ('work', '* * * * *')")
        scenarios[name] = Scenario(name, server.url(database), [Exporter(configuration) for _ in range(exporters)])
    yield scenarios
    for scenario in scenarios.values():
        for exporter in scenario.exporters:
            if exporter.child and exporter.child.exit_code is None:
                exporter.end()
    for database in databases:
        server.drop_database(database)


@pytest.fixture
def prometheus_port(scenarios: dict[str, Scenario], tmp_path: Path) -> Iterator[int]:
    program = prometheus.find()
    assert program, "no prometheus here: make test fetches it, or run scripts/debian-tool prometheus"
    jobs = [
        {
            "job_name": scenario.name,
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{exporter.port}" for exporter in scenario.exporters],
                    "labels": {"scenario": scenario.name},
                }
            ],
        }
        for scenario in scenarios.values()
    ]
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(
        json.dumps({"global": {"scrape_interval": f"{SCRAPE_SECONDS:.0f}s"}, "scrape_configs": jobs})
    )
    port = free_port()
    command: list[str | Path] = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    child = Child.start("prometheus", command, log=tmp_path / "prometheus.log")
    yield port
    child.stop()


def ask(prometheus_port: int, query: str) -> float:
    answer = get(prometheus_port, f"/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    result = json.loads(answer)["data"]["result"] if answer else None
    return float(result[0]["value"][1]) if result else 0.0


def scraped(prometheus_port: int, scenario: str) -> float:
    """How many finishes Prometheus has seen counted."""
    return ask(prometheus_port, SCRAPED.format(scenario=scenario))


def wait_until(what: str, condition: object, seconds: float = PATIENCE) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(0.1)


def finish_jobs(scenarios: dict[str, Scenario], seconds: float, per_second: int = FINISHES_PER_SECOND) -> None:
    """Let jobs finish in all scenarios, evenly."""
    connections = [psycopg.connect(scenario.address, autocommit=True) for scenario in scenarios.values()]
    began = time.monotonic()
    for number in range(round(seconds * per_second)):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        for conn in connections:
            conn.execute(FINISH)
    for conn in connections:
        conn.close()


def test_restarts_kills_and_replicas_cost_prometheus_a_scrape_at_most(
    scenarios: dict[str, Scenario], prometheus_port: int
) -> None:
    for scenario in scenarios.values():
        for exporter in scenario.exporters:
            exporter.start()
    # A counter has to be seen at 0 once: Prometheus takes a series' first value as where it began.
    targets = sum(len(scenario.exporters) for scenario in scenarios.values())
    seen = 'count(jobqueue_runs_total{job_type="work"} == 0)'
    wait_until("every exporter was scraped", lambda: ask(prometheus_port, seen) == targets)

    # More than finishes after an exporter's last scrape: a counter that comes back larger wouldn't look reset.
    finish_jobs(scenarios, 5, per_second=3 * FINISHES_PER_SECOND)
    for name, scenario in scenarios.items():
        truth = scenario.finished()
        wait_until(f"{name} was scraped", lambda name=name, truth=truth: scraped(prometheus_port, name) == truth)
    finish_jobs(scenarios, 2)
    scenarios["restart"].exporters[0].end()
    scenarios["kill"].exporters[0].kill()
    scenarios["two"].exporters[1].kill()
    unscraped = {name: scenario.finished() - scraped(prometheus_port, name) for name, scenario in scenarios.items()}
    finish_jobs(scenarios, 3)
    scenarios["restart"].exporters[0].start()
    scenarios["kill"].exporters[0].start()
    finish_jobs(scenarios, 4)
    scenarios["two"].exporters[1].start()
    finish_jobs(scenarios, 3)

    for scenario in scenarios.values():
        truth = scenario.finished()
        for exporter in scenario.exporters:
            wait_until(
                f"{scenario.name} has counted all",
                lambda exporter=exporter, truth=truth: exporter.figure("jobqueue_last24h_runs") == truth,
            )
    # Prometheus extends a series by its own slope to the edges of the range: a flat end keeps that small.
    time.sleep(8 * SCRAPE_SECONDS)
    for scenario in scenarios.values():
        truth = scenario.finished()
        increase = ask(prometheus_port, QUERY.format(scenario=scenario.name))
        # What was counted but not scraped when the process died, and one scrape's worth for Prometheus, which
        # extrapolates to the edges of the range.
        allowed = unscraped[scenario.name] + SCRAPE_SECONDS * FINISHES_PER_SECOND
        assert abs(increase - truth) <= allowed, (scenario.name, increase, truth)
        with psycopg.connect(scenario.address) as conn:
            assert conn.execute("SELECT sum(runs) FROM system_status.run_minutes").fetchone() == (truth,)
        print(f"{scenario.name}: increase {increase:.1f}, truth {truth}")


def test_the_first_failures_of_a_job_type_are_seen_by_increase(
    scenarios: dict[str, Scenario], prometheus_port: int
) -> None:
    scenario = scenarios["kill"]
    scenario.exporters[0].start()
    up = 'count(jobqueue_up{scenario="kill"} == 1)'
    wait_until("the exporter was scraped", lambda: ask(prometheus_port, up) == 1)

    with psycopg.connect(scenario.address) as conn:
        conn.execute(FAIL_AT_ONCE)

    wait_until("all are seen", lambda: ask(prometheus_port, FRESH) >= 30)
