"""What Grafana makes of a panel that our dashboards don't have; and what is wrong with one: shown, and told."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from preview.app import create_app
from preview.chromium import open_tab
from preview.settings import HOST, Settings
from tests.demo.test_demo import free_port
from tests.preview.demo import Demo
from tests.preview.page import Page

OFF_AND_ON = "1 + 0 * (vector(time()) % 600 < 300)"
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}


def panel(number: int, kind: str, title: str, expr: str | None = None, **more: Any) -> dict[str, Any]:
    target = {"refId": "A", "expr": expr, "instant": True, "format": "table", "datasource": PROMETHEUS}
    place = {"x": 0, "y": 6 * number, "w": 24, "h": 6}
    targets = [] if expr is None else [target]
    return {"id": number, "type": kind, "title": title, "gridPos": place, "targets": targets, **more}


def chart(number: int, kind: str, title: str, expr: str, custom: Any = None, step: Any = None, **more: Any) -> Any:
    target = {"refId": "A", "expr": expr, "instant": False, "legendFormat": title, "datasource": PROMETHEUS}
    field_config = {"defaults": {"custom": custom or {}}, "overrides": []}
    given = {"targets": [target | (step or {})], "fieldConfig": field_config}
    return panel(number, kind, title) | given | more


DASHBOARD = {
    "uid": "gallery",
    "title": "Gallery",
    "time": {"from": "now-15m", "to": "now"},
    "panels": [
        chart(1, "state-timeline", "Gaps", OFF_AND_ON, {"insertNulls": False}),
        chart(2, "state-timeline", "No gaps", OFF_AND_ON, {"insertNulls": 120_000}),
        chart(3, "timeseries", "Panel's step", "rate(up[$__rate_interval])", interval="2m"),
        chart(8, "timeseries", "Query's step", "rate(up[$__rate_interval])", step={"interval": "2m"}),
        panel(4, "table", "Broken", "sum("),
        panel(5, "table", "Nowhere", "vector($nowhere)"),
        panel(
            6,
            "table",
            "Mistyped",
            "vector(1)",
            fieldConfig={
                "defaults": {},
                "overrides": [{"matcher": {"id": "byName", "options": "Wroker"}, "properties": [{"id": "colour"}]}],
            },
        ),
        panel(7, "heatmap", "Unknown", "vector(1)"),
    ],
}


@pytest.fixture
async def gallery(demo: Demo, chromium: str, tmp_path: Path) -> AsyncIterator[Page]:
    (tmp_path / "gallery.json").write_text(json.dumps(DASHBOARD))
    port = free_port()
    settings = Settings(port, f"http://127.0.0.1:{demo.prometheus_port}", "http://127.0.0.1:1", "", tmp_path)
    runner = web.AppRunner(create_app(settings), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    try:
        async with open_tab(chromium) as tab:
            yield Page(f"http://127.0.0.1:{port}", tab)
    finally:
        await runner.cleanup()


async def test_a_timeline_has_gaps_unless_the_panel_says_how_long_they_are(gallery: Page) -> None:
    """Grafana inserts them where panel and query agree; a query of a range always says its step."""
    await gallery.open("/d/gallery")

    [[gaps], [none]] = [(await gallery.panel(title))["timeline"] for title in ("Gaps", "No gaps")]

    assert len(gaps["segments"]) > 1
    assert len(none["segments"]) == 1


async def test_a_querys_own_step_is_taken_for_the_scrape_interval_and_a_panels_is_not(gallery: Page) -> None:
    await gallery.open("/d/gallery")

    asked = [(await gallery.panel(title))["queries"][0] for title in ("Panel's step", "Query's step")]

    assert [one["step"] for one in asked] == [120, 120]
    assert [one["expr"] for one in asked] == ["rate(up[135s])", "rate(up[480s])"]


async def test_faults_are_shown_and_told(gallery: Page) -> None:
    await gallery.open("/d/gallery")
    panels = {one["title"]: one for one in (await gallery.dump())["panels"]}
    errors = {title: [e["message"] for e in one["errors"]] for title, one in panels.items() if one["errors"]}
    warnings = {title: one["warnings"] for title, one in panels.items() if one["warnings"]}

    assert errors.keys() == {"Broken", "Nowhere", "Unknown"}
    assert "parse error" in errors["Broken"][0]
    assert warnings["Mistyped"] == [
        "override byName(\"Wroker\"): unknown property 'colour'",
        'override byName("Wroker"): matches no field',
    ]
    assert await gallery.tab.evaluate("document.querySelectorAll('[data-testid*=\"Panel status error\"]').length") == 3
