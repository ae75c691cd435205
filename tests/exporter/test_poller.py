"""How often a collector is asked, by what its reads cost the database."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from exporter.poller import SLOWEST_SECONDS, Poller
from exporter.samples import Samples

INTERVAL, SHARE = 15.0, 0.01


class _Busy:
    """A collector whose reads keep the database busy for so many seconds each."""

    name, share = "busy", SHARE

    def __init__(self, times: Sequence[float]) -> None:
        self._times = list(times)
        self.busy = 0.0

    async def collect(self) -> Samples:
        self.busy += self._times.pop(0)
        return ()


async def after(monkeypatch: pytest.MonkeyPatch, *times: float) -> float:
    """The interval after reads that took so long."""
    collector = _Busy(times)
    monkeypatch.setattr("exporter.poller.busy_seconds", lambda: collector.busy)
    poller = Poller("main", collector, INTERVAL, lambda: None)
    for _ in times:
        await poller.poll()
    return poller.interval


@pytest.mark.parametrize("times", [(9, 0, 0), (0, 9, 0), (0, 0, 9)])
async def test_a_single_long_read_makes_none_rarer(monkeypatch: pytest.MonkeyPatch, times: tuple[float, ...]) -> None:
    assert await after(monkeypatch, *times) == INTERVAL


@pytest.mark.parametrize("times", [(1, 2, 0), (0, 2, 1), (2, 0, 1)])
async def test_the_middle_of_three_reads_takes_its_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch, times: tuple[float, ...]
) -> None:
    assert await after(monkeypatch, *times) == pytest.approx(1 / SHARE)


async def test_the_last_three_reads_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await after(monkeypatch, 3, 3, 3, 1, 1) == pytest.approx(1 / SHARE)
    assert await after(monkeypatch, 3, 3, 3, 0, 0) == INTERVAL


async def test_before_three_reads_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await after(monkeypatch, 3, 3) == INTERVAL
    assert await after(monkeypatch, 3, 3, 3) == pytest.approx(3 / SHARE)


async def test_none_is_rarer_than_every_ten_minutes_and_none_comes_sooner_than_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await after(monkeypatch, 100, 100, 100) == SLOWEST_SECONDS == 600
    assert await after(monkeypatch, 0.1, 0.1, 0.1) == INTERVAL


async def test_a_read_took_as_long_as_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 100.75])
    monkeypatch.setattr("exporter.poller.monotonic", lambda: next(moments))
    poller = Poller("main", _Busy([1]), INTERVAL, lambda: None)

    await poller.poll()

    assert poller.duration == 0.75


async def test_a_collector_fails_since_its_first_failure_after_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([10.0, 20.0, 30.0])
    monkeypatch.setattr("exporter.poller.time", lambda: next(moments))
    collector = _Busy([])
    poller = Poller("main", collector, INTERVAL, lambda: None)

    since = []
    for reads in ([], [], [1], []):
        collector._times = list(reads)
        await poller.poll()
        since.append(poller.failing_since)

    assert since == [10.0, 10.0, None, 30.0]
    assert poller.last_success == 20.0


@pytest.mark.parametrize(("took", "rest"), [(4.0, 11.0), (14.5, 0.5), (20.0, 0.0)])
async def test_the_next_read_begins_an_interval_after_the_last_one_began(
    monkeypatch: pytest.MonkeyPatch, took: float, rest: float
) -> None:
    now, rests = [0.0], []
    collector = _Busy([])

    async def collect() -> Samples:
        now[0] += took
        return ()

    async def sleep(seconds: float) -> None:
        rests.append(seconds)
        raise asyncio.CancelledError

    monkeypatch.setattr(collector, "collect", collect)
    monkeypatch.setattr("exporter.poller.monotonic", lambda: now[0])
    monkeypatch.setattr("exporter.poller.asyncio.sleep", sleep)

    with pytest.raises(asyncio.CancelledError):
        await Poller("main", collector, INTERVAL, lambda: None).run()

    assert rests == [rest]


async def test_a_failure_is_logged_when_it_is_new_and_so_is_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[Exception | None] = [OSError("gone"), OSError("gone"), OSError("away"), TimeoutError(), None, None]
    collector = _Busy([])

    async def collect() -> Samples:
        error = errors.pop(0)
        if error is not None:
            raise error
        return ()

    monkeypatch.setattr(collector, "collect", collect)
    poller = Poller("main", collector, INTERVAL, lambda: None)
    with capture_logs() as logged:
        while errors:
            await poller.poll()

    assert [(entry["event"], entry.get("error")) for entry in logged] == [
        ("collector.failed", "gone"),
        ("collector.failed", "away"),
        ("collector.failed", "TimeoutError"),
        ("collector.recovered", None),
    ]
