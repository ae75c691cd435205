"""Whether an exporter is ready: by what it read lately."""

from dataclasses import dataclass
from typing import cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from exporter.exposition import Exposition
from exporter.page import Page
from exporter.source import SourceMonitor
from exporter.web import create_app

NOW = 1_700_000_000.0


@dataclass
class _Source:
    """What is asked of a source."""

    name: str = "main"
    up: bool = True
    read_at: float = NOW
    interval: float = 15.0


async def ready(monkeypatch: pytest.MonkeyPatch, *sources: _Source) -> tuple[int, str]:
    monkeypatch.setattr("exporter.web.time", lambda: NOW)
    app = create_app(Page(Exposition([])), cast("list[SourceMonitor]", list(sources)))
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/readyz")
        return answer.status, await answer.text()


@pytest.mark.parametrize(("ago", "status"), [(0, 200), (59, 200), (60, 503), (90, 503), (599, 503)])
async def test_a_source_was_read_lately_within_four_of_its_intervals(
    monkeypatch: pytest.MonkeyPatch, ago: float, status: int
) -> None:
    assert (await ready(monkeypatch, _Source(read_at=NOW - ago)))[0] == status
    assert (await ready(monkeypatch, _Source(read_at=NOW - 4 * ago, interval=60)))[0] == status


async def test_a_database_that_does_not_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ready(monkeypatch, _Source(up=False)) == (503, "not read lately: main\n")


async def test_all_that_are_not_read_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [_Source("a", up=False), _Source("b"), _Source("c", read_at=0)]

    assert await ready(monkeypatch, *sources) == (503, "not read lately: a, c\n")
