from datetime import timedelta
from typing import Any

import pytest

from jobqueue.config import Janitor
from tests.control_api.service import serving


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"janitor": Janitor(every=timedelta(minutes=15))}, True),
        ({"janitor": Janitor(every=timedelta(0))}, False),
        ({"janitor": Janitor(every=timedelta(minutes=15)), "read_only": True}, False),
    ],
)
async def test_the_janitors_interval_is_shown_where_it_runs_by_itself(
    migrated: str, settings: dict[str, Any], shown: bool
) -> None:
    async with serving({"main": migrated}, **settings) as service:
        page = await (await service.get("/metrics")).text()

    assert ('jobqueue_control_janitor_interval_seconds{source="main"} 900.0' in page) == shown
