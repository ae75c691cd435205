"""Writes the dashboards: the classic set for Grafana 11.6 and later, and one with real tabs for 13 and later."""

import json
from collections.abc import Mapping
from pathlib import Path

from dashboards import navigation
from dashboards.boards import boards
from dashboards.house import Json
from dashboards.tabbed import tabbed

FOLDER = Path(__file__).parent / "build"
TABBED = "system-status.v2.json"


def built() -> Mapping[str, Json]:
    """Every dashboard by the name of its file."""
    classic = {board.uid: board.json() for board in boards()}
    tabs = tabbed([classic[uid] for uid in navigation.TABS])
    return {f"{uid}.json": dashboard for uid, dashboard in classic.items()} | {TABBED: tabs}


def text(dashboard: Json) -> str:
    """The same text for the same dashboard, so that changes can be read."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(folder: Path = FOLDER) -> list[Path]:
    """Write all files, and remove those of dashboards that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / name: dashboard for name, dashboard in built().items()}
    for old in set(folder.glob("*.json")) - files.keys():
        old.unlink()
    for path, dashboard in files.items():
        path.write_text(text(dashboard), "utf-8")
    return list(files)
