"""Where the preview serves, and what it stands in front of."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILT_PAGE = Path(__file__).parent / "web/dist"
BUILT_DASHBOARDS = ROOT / "dashboards/build"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Settings:
    """*database_url* is that of the role that reads the views; *dashboards* is a folder of classic JSON files."""

    port: int
    prometheus_url: str
    control_url: str
    database_url: str
    dashboards: Path = BUILT_DASHBOARDS
    page: Path = BUILT_PAGE
