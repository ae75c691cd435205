from collections.abc import AsyncIterator, Iterator

import pytest
from psycopg import AsyncConnection

from preview.chromium import browser, open_tab
from tests.preview.demo import Demo, running_demo
from tests.preview.page import Page


@pytest.fixture(scope="package")
def demo() -> Iterator[Demo]:
    """One demo for all tests of this folder that a process runs; it ends with them, for it costs a core."""
    with running_demo() as demo:
        yield demo


@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One browser for all tests of this folder that a process runs."""
    with browser(tmp_path_factory.mktemp("chromium") / "profile") as address:
        yield address


@pytest.fixture
async def page(demo: Demo, chromium: str) -> AsyncIterator[Page]:
    async with open_tab(chromium) as tab:
        yield Page(demo.url, tab)


@pytest.fixture
async def platform(demo: Demo) -> AsyncIterator[AsyncConnection]:
    """A superuser's connection to the demo's database."""
    async with await AsyncConnection.connect(demo.database, autocommit=True) as conn:
        yield conn
