"""With 500 job types, 200 workers, and a day of samples behind them."""

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bench.programs import our_exporter
from bench.table import add_workers, generate, names
from demo import prometheus
from demo.ports import Ports, get
from demo.processes import Child
from preview.chromium import open_tab
from tests.conftest import Server
from tests.demo.test_demo import free_port
from tests.preview import memory
from tests.preview.page import Json, Page
from tests.preview.test_dashboards import UIDS
from tests.waiting import PATIENCE

JOB_TYPES = 500
WORKERS = 200
MOST_ELEMENTS = 1_500
"""Of the page: the work of a browser grows with them. The seconds depend on the machine, and are printed."""
MOST_SAMPLES = 35_000_000
"""Loaded by Prometheus for all queries of a tab, those of its variables included."""
_QUERY = re.compile(r"query_result\((.+)\)", re.DOTALL)


@pytest.fixture(scope="module")
def crowded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The ports of a preview and of its Prometheus."""
    folder = tmp_path_factory.mktemp("crowded")
    program = prometheus.find()
    assert program is not None
    database = server.create_database()
    url, types = server.url(database), names(JOB_TYPES)
    generate(url, 20_000, types)
    add_workers(url, WORKERS, types)
    with ExitStack() as ending:
        ending.callback(server.drop_database, database)
        exporter = ending.enter_context(our_exporter(url, poll_interval=15))
        port, preview_port = free_port(), free_port()
        workers = [f"worker-{number}" for number in range(1, WORKERS + 1)]
        crowd = memory.Crowd(types, workers, exporter.scrape().page.decode())
        instance = f"127.0.0.1:{exporter.port}"
        samples = memory.write(crowd, program.with_name("promtool"), prometheus.data(folder), instance)
        print(f"\na memory of {samples:,} samples")
        ports = Ports(exporter.port, free_port(), port, free_port(), free_port(), preview_port)
        command = prometheus.command(program, folder, ports, alert_speed=1)
        ending.callback(Child.start("prometheus", command, log=folder / "prometheus.log").stop)
        command = [sys.executable, "-m", "preview", f"--port={preview_port}", f"--prometheus=http://127.0.0.1:{port}"]
        environment = {**os.environ, "DATABASE_URL": url}
        child = Child.start("preview", command, log=folder / "preview.log", environment=environment)
        ending.callback(child.stop)
        wait_for(lambda: get(preview_port, "/preview/dashboards") is not None, folder)
        scraped = "/api/v1/query?query=count(jobqueue_schedule_enabled)"
        wait_for(lambda: f'"{JOB_TYPES}"' in (get(port, scraped) or ""), folder)
        yield preview_port, port


def wait_for(ready: Any, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, [path.read_text()[-500:] for path in folder.glob("*.log")]
        time.sleep(0.2)


@pytest.mark.parametrize("uid", UIDS)
async def test_each_dashboard_is_drawn_soon_and_asks_prometheus_for_little(
    uid: str, crowded: tuple[int, int], chromium: str
) -> None:
    preview_port, port = crowded
    async with open_tab(chromium) as tab:
        page, began = Page(f"http://127.0.0.1:{preview_port}", tab), time.monotonic()
        await page.open(f"/d/{uid}")
        rendered, dump = time.monotonic() - began, await page.dump()
        elements = await tab.evaluate("document.querySelectorAll('*').length")
    async with ClientSession() as http:
        asked = [(name, await samples(http, port, query, dump["range"])) for name, query in questions(dump)]
    most = [f"{name} {count:,}" for name, count in sorted(asked, key=lambda one: -one[1])[:4]]
    loaded = sum(count for _, count in asked)
    print(f"\n{uid}: {elements:,} elements in {rendered:.1f} s, {loaded:,} samples, most: {', '.join(most)}")

    assert [one["errors"] for one in dump["panels"] if one["errors"]] == []
    assert [one["title"] for one in dump["panels"] if one["type"] == "timeseries" and one["status"] == "no-data"] in (
        [],
        ["Admin actions", "Cleaned up by the janitor"],  # there is no control API here
    )
    assert elements < MOST_ELEMENTS
    assert loaded < MOST_SAMPLES, most


def questions(dump: Json) -> Iterator[tuple[str, Json]]:
    """All that a tab asks Prometheus to work out at each refresh, by where it stands."""
    for variable in dump["variables"]:
        if found := _QUERY.fullmatch(variable.get("query", "")):
            yield f"${variable['name']}", {"kind": "instant", "expr": found[1]}
    for panel in dump["panels"]:
        for query in panel["queries"]:
            if query["kind"] != "sql":
                yield f"{panel['title']}, {query['refId']}", query


async def samples(http: ClientSession, port: int, query: dict[str, Any], span: dict[str, float]) -> int:
    """How many samples Prometheus loads for one query, over all steps of its range."""
    times = {"start": span["from"] / 1000, "end": span["to"] / 1000, "step": query.get("step")}
    moment = {"time": span["to"] / 1000}
    kind, when = ("query_range", times) if query["kind"] == "range" else ("query", moment)
    question = {"query": query["expr"], "stats": "all", **when}
    async with http.post(f"http://127.0.0.1:{port}/api/v1/{kind}", data=question) as answer:
        return int((await answer.json())["data"]["stats"]["samples"]["totalQueryableSamples"])
