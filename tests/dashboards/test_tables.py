"""Tables and cards over a real Prometheus: no gap, no row twice: two sources, two exporters, and an empty queue."""

import json
import math
import re
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo import prometheus
from demo.ports import get
from demo.processes import Child
from tests.dashboards.dashboards import panel, panels
from tests.dashboards.exposition import EMPTY, FULL, MUTE, exposition

JOB, WORKER, ACTION = ("source", "job_type"), ("source", "worker"), ("source", "action")
TABLES = [
    ("system-status-jobs", "Scheduled Jobs", JOB, 4),
    ("system-status-workers", "Worker Status", WORKER, 4),
    ("system-status-metrics", "Performance by job type, last 24 hours", JOB, 5),
    ("system-status-health", "Sources", ("source",), 1),
    ("system-status-health", "Collectors", ("source", "collector"), 5),
]
CARDS = {name: shown for name, shown in panels() if shown["type"] == "stat"}

Rows = list[tuple[dict[str, str], float]]


@dataclass(frozen=True)
class Filled:
    """A Prometheus that holds one moment."""

    port: int
    moment: int

    def ask(self, expression: str, sources: tuple[str, ...]) -> Rows:
        query = expression.replace("$source", "|".join(sources)).replace("$job_type", "daily")
        answer = get(self.port, "/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": self.moment}))
        assert answer, query
        return [(one["metric"], float(one["value"][1])) for one in json.loads(answer)["data"]["result"]]


@pytest.fixture(scope="module")
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


def expressions(uid: str, title: str) -> list[str]:
    return [target["expr"] for target in panel(uid, title)["targets"]]


def keys(rows: Rows, key: tuple[str, ...]) -> list[tuple[str, ...]]:
    return sorted(tuple(labels[name] for name in key) for labels, _ in rows)


@pytest.mark.parametrize(("uid", "title", "key", "per_source"), TABLES, ids=[title for _, title, _, _ in TABLES])
def test_every_cell_of_every_row_has_a_value_and_no_row_comes_twice(
    uid: str, title: str, key: tuple[str, ...], per_source: int, filled: Filled
) -> None:
    wanted = None
    for expression in expressions(uid, title):
        rows = filled.ask(expression, FULL)
        wanted = wanted or keys(rows, key)

        assert len(wanted) == per_source * len(FULL) == len(set(wanted))
        assert keys(rows, key) == wanted, expression
        assert not any(math.isnan(value) for _, value in rows)


def test_the_buttons_have_a_row_each_and_those_that_count_jobs_say_how_many(filled: Filled) -> None:
    actions, jobs = (filled.ask(one, FULL) for one in expressions("system-status-jobs", "Job Management"))

    assert keys(actions, ACTION) == sorted((source, name) for source in FULL for name in ("janitor", "fail-active"))
    assert {labels["action"]: value for labels, value in jobs} == {"fail-active": 0}


def test_without_a_control_api_there_are_no_buttons(filled: Filled) -> None:
    run_now = expressions("system-status-jobs", "Scheduled Jobs")[-1]

    assert filled.ask(run_now, FULL)
    for expression in [run_now, *expressions("system-status-jobs", "Job Management")]:
        assert filled.ask(expression, (EMPTY,)) == []


def test_now_running_says_the_longest_run_idle_or_nothing(filled: Filled) -> None:
    (query,) = [one for one in expressions("system-status-workers", "Worker Status") if "current_run" in one]

    running = {labels["worker"]: (labels["job_type"], value) for labels, value in filled.ask(query, ("main",))}

    assert running == {"idle": ("idle", -1), "running": ("daily", 50), "gone": ("—", -1), "died_running": ("daily", 50)}


def test_next_run_says_why_there_is_none(filled: Filled) -> None:
    query = expressions("system-status-jobs", "Scheduled Jobs")[2]

    said = {labels["job_type"]: value for labels, value in filled.ask(query, ("main",))}

    next_tick = 1000 * (filled.moment + 600)
    assert said == {"daily": next_tick, "disabled": -1, "broken": -2, "never_ran": -4}


@pytest.mark.parametrize("shown", CARDS.values(), ids=CARDS.keys())
@pytest.mark.parametrize("sources", [FULL, (EMPTY,), ("nobody",)], ids=["full", "empty", "nothing"])
def test_a_card_always_has_one_value(
    shown: dict[str, list[dict[str, str]]], sources: tuple[str], filled: Filled
) -> None:
    for target in shown["targets"]:
        ((labels, value),) = filled.ask(target["expr"], sources)

        assert labels == {}
        assert not math.isnan(value)


def test_an_empty_queue_has_zeros_and_what_nobody_knows_a_dash(filled: Filled) -> None:
    totals = expressions("system-status-workers", "Queue totals")

    assert [filled.ask(query, (EMPTY,))[0][1] for query in totals] == [0] * 5
    assert [filled.ask(query, ("nobody",))[0][1] for query in totals] == [-1] * 5


def test_what_an_engine_knows_nothing_of_is_a_dash_and_no_zero(filled: Filled) -> None:
    known = re.compile("jobqueue_schedule_missed_ticks|jobqueue_worker_online")
    cards = [query for query in expressions("system-status-jobs", "At a glance") if known.search(query)]

    assert [filled.ask(query, (EMPTY,))[0][1] for query in cards] == [0] * 3
    assert [filled.ask(query, (EMPTY, MUTE))[0][1] for query in cards] == [0] * 3
    assert [filled.ask(query, (MUTE,))[0][1] for query in cards] == [-1] * 3


def test_replicas_and_sources_add_up_once(filled: Filled) -> None:
    pending = expressions("system-status-workers", "Queue totals")[1]

    assert filled.ask(pending, FULL) == [({}, 2 * 5 * 7)]
