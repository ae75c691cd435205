"""The law of counting for what comes later than the settle time: it is found, and counted once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.counting.story import CLOCKS_APART, HOUR, act, finish_some, in_a_world, law, steps
from tests.counting.world import World, assert_same, truth


@pytest.mark.parametrize("exporters", [1, 2])
@law
@given(data=st.data())
def test_runs_that_commit_later_than_the_settle_time_are_found_and_counted(
    shared_database: str, exporters: int, data: st.DataObject
) -> None:
    gaps = st.one_of(st.floats(0, 40), st.floats(40, 300))
    story = data.draw(steps(gaps, ["poll", "poll", "look", "wait", "restart", "before commit", "after commit"]))

    async def tell(world: World) -> None:
        pollers = [world.exporter() for _ in range(exporters)]
        for poller in pollers:
            await poller.poll()
        await world.advance(2 * CLOCKS_APART)  # what ended before the first poll's minute isn't looked for
        for step in story:
            finish_some(world, step, HOUR)
            await world.advance(step.gap)
            await act(pollers[step.exporter % exporters], step.action, pollers[0])
        await world.commit_everything()
        for poller in pollers:
            await poller.poll()
            await poller.look_for_late_runs()

            assert_same(await world.table(), truth(world.committed))

    in_a_world(shared_database, tell)
