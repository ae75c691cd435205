import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from demo.platform.connection import Conn, connect


@pytest.fixture
async def queue(database: str) -> AsyncIterator[Conn]:
    async with await connect(database) as conn:
        yield conn


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that nobody, under whom root's server runs, can enter; pytest's own are private."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)
