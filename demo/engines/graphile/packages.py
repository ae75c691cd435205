"""Where Graphile Worker's packages are, and how its program is run."""

import subprocess
from pathlib import Path

_PACKAGES = Path(__file__).parents[3] / ".cache/graphile"
_PROGRAM = Path(__file__).with_name("worker.mjs")


def command(address: str, concurrency: int, *tasks: str) -> list[str]:
    """What runs ``worker.mjs``. Raises ``FileNotFoundError``."""
    for node in _PACKAGES.glob("node_modules/node-*/bin/node"):
        return [str(node), str(_PROGRAM), str(_PACKAGES), address, str(concurrency), *tasks]
    raise FileNotFoundError("Graphile Worker isn't installed: make .cache/graphile/made")


def make_tables(address: str) -> None:
    """Run the engine's migrations."""
    subprocess.run(command(address, 0), check=True)
