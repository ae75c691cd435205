"""Writes the dashboards: the classic set for Grafana 11.6 and later, and one with real tabs for 13 and later."""

from collections.abc import Mapping
from pathlib import Path

from dashboards import navigation
from dashboards.boards import boards
from dashboards.files import OURS, TABBED, Json, text
from dashboards.tabbed import tabbed


def built() -> Mapping[str, Json]:
    """Every dashboard by the name of its file."""
    classic = {board.uid: board.json() for board in boards()}
    tabs = tabbed([classic[uid] for uid in navigation.TABS])
    return {f"{uid}.json": dashboard for uid, dashboard in classic.items()} | {TABBED: tabs}


def write(folder: Path) -> list[Path]:
    """Write all files, and remove those of dashboards of ours that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / name: dashboard for name, dashboard in built().items()}
    for old in set(folder.glob(OURS)) - files.keys():
        old.unlink()
    for path, dashboard in files.items():
        path.write_text(text(dashboard), "utf-8")
    return list(files)
