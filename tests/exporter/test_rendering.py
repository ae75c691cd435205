"""When the page is written: after changes, with rests in between."""

import asyncio

import pytest

from exporter.exposition import Exposition
from exporter.page import Page


class _Clock:
    """Each rendering takes so many seconds; who rests is noted, and ends the third time."""

    def __init__(self, took: float) -> None:
        self.now, self.took = 0.0, took
        self.rests: list[float] = []
        self.page = Page(Exposition([]))

    def render(self) -> list[object]:
        self.now += self.took
        return []

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        if len(self.rests) == 2:
            raise asyncio.CancelledError
        self.page.changed()


@pytest.mark.parametrize(("took", "rest"), [(0.125, 0.5), (0.25, 1.0), (10.0, 1.0), (0.0, 0.0)])
async def test_it_rests_four_times_as_long_as_it_took_and_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch, took: float, rest: float
) -> None:
    clock = _Clock(took)
    monkeypatch.setattr(clock.page._exposition, "collect", clock.render)
    await clock.page.get("")
    monkeypatch.setattr("exporter.page.monotonic", lambda: clock.now)
    monkeypatch.setattr("exporter.page.asyncio.sleep", clock.rest)
    clock.page.changed()

    with pytest.raises(asyncio.CancelledError):
        await clock.page.keep_fresh()

    assert clock.rests == [rest, rest]


async def test_a_format_that_was_asked_for_is_written_anew_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(1.0)
    monkeypatch.setattr(clock.page._exposition, "collect", clock.render)
    for _ in range(3):
        await clock.page.get("application/openmetrics-text")

    assert clock.now == 1.0
    await clock.page.get("text/plain")
    assert clock.now == 2.0
