"""The law of counting, over the real SQL on a real Postgres: whatever happens, each end of a job is counted once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.counting.story import HOUR, act, finish_some, in_a_world, law, retry_some, steps
from tests.counting.world import SETTLE, World, assert_same, truth


@pytest.mark.parametrize("exporters", [1, 2])
@law
@given(data=st.data())
def test_the_table_equals_the_truth_for_any_order_of_commits_polls_crashes_and_deletions(
    shared_database: str, exporters: int, data: st.DataObject
) -> None:
    gaps = st.one_of(st.floats(0, 40), st.floats(40, 300), st.floats(300, 2400))
    story = data.draw(steps(gaps, ["poll", "poll", "overtaken", "wait", "restart", "before commit", "after commit"]))

    async def tell(world: World) -> None:
        pollers = [world.exporter() for _ in range(exporters)]
        for poller in pollers:
            await poller.poll()
        for step in story:
            finish_some(world, step, SETTLE.total_seconds())
            await retry_some(world, step, SETTLE.total_seconds())
            await world.advance(step.gap)
            await act(pollers[step.exporter % exporters], step.action, pollers[0])
            # What the law asks of the queue: finished rows outlive the longest pause between polls.
            paused = max(world.now - poller.polled_at for poller in pollers)
            if step.janitor and paused + SETTLE < timedelta(seconds=HOUR):
                await world.delete_finished_before(HOUR)
        await world.commit_everything()
        for poller in pollers:
            await poller.poll()
            assert_same(await world.table(), truth(world.committed))

    in_a_world(shared_database, tell)


@law
@given(data=st.data())
def test_counters_over_all_lives_of_one_exporter_equal_the_truth(shared_database: str, data: st.DataObject) -> None:
    gaps = st.one_of(st.floats(0, 40), st.floats(40, 300), st.floats(300, 2400))
    story = data.draw(steps(gaps, ["poll", "poll", "wait", "restart", "before commit"]))

    async def tell(world: World) -> None:
        exporter = world.exporter()
        await exporter.poll()
        for step in story:
            finish_some(world, step, SETTLE.total_seconds())
            await retry_some(world, step, SETTLE.total_seconds())
            await world.advance(step.gap)
            await act(exporter, step.action, exporter)
            if step.janitor and world.now - exporter.polled_at + SETTLE < timedelta(seconds=HOUR):
                await world.delete_finished_before(HOUR)
        await world.commit_everything()
        await exporter.poll()

        assert_same(exporter.counters(), truth(world.committed))

    in_a_world(shared_database, tell)


@law
@given(data=st.data())
def test_rows_deleted_after_a_minute_are_counted_while_lateness_and_gap_stay_below_it(
    shared_database: str, data: st.DataObject
) -> None:
    story = data.draw(steps(st.floats(0, 14), ["poll", "restart", "before commit", "after commit"], longest=25))

    async def tell(world: World) -> None:
        pollers = [world.exporter(), world.exporter()]
        for poller in pollers:
            await poller.poll()
        for step in story:
            finish_some(world, step, 20)
            await retry_some(world, step, 20)
            await world.advance(step.gap)
            await act(pollers[step.exporter], step.action, pollers[0])
            for poller in pollers:  # lateness 20 s and clocks 30 s apart + the gap
                if world.now - poller.polled_at > timedelta(seconds=0):
                    await poller.poll()
            await world.delete_finished_before(60)
        await world.commit_everything()
        await pollers[0].poll()

        assert_same(await world.table(), truth(world.committed))

    in_a_world(shared_database, tell)
