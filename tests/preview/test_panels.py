"""Panels that our dashboards don't have (yet), and what is wrong with a panel: shown, and told."""

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

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}


def panel(number: int, kind: str, title: str, expr: str | None = None, **more: Any) -> dict[str, Any]:
    target = {"refId": "A", "expr": expr, "instant": True, "format": "table", "datasource": PROMETHEUS}
    place = {"x": 0, "y": 6 * number, "w": 24, "h": 6}
    targets = [] if expr is None else [target]
    return {"id": number, "type": kind, "title": title, "gridPos": place, "targets": targets, **more}


DASHBOARD = {
    "uid": "gallery",
    "title": "Gallery",
    "time": {"from": "now-15m", "to": "now"},
    "panels": [
        panel(1, "text", "Text", options={"mode": "markdown", "content": "**Bold** <script>alert(1)</script>"}),
        panel(2, "bargauge", "Bars", "vector(7)"),
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


async def test_panels_are_drawn_and_faults_are_shown_and_told(gallery: Page) -> None:
    await gallery.open("/d/gallery")
    panels = {one["title"]: one for one in (await gallery.dump())["panels"]}
    errors = {title: [e["message"] for e in one["errors"]] for title, one in panels.items() if one["errors"]}
    warnings = {title: one["warnings"] for title, one in panels.items() if one["warnings"]}

    assert "<strong>Bold</strong>" in panels["Text"]["html"]
    assert "<script>" not in panels["Text"]["html"]
    assert panels["Bars"]["values"][0]["text"] == "7"
    assert errors.keys() == {"Broken", "Nowhere", "Unknown"}
    assert "parse error" in errors["Broken"][0]
    assert warnings["Mistyped"] == [
        "override byName(\"Wroker\"): unknown property 'colour'",
        'override byName("Wroker"): matches no field',
    ]
    assert await gallery.tab.evaluate("document.querySelectorAll('[data-testid*=\"Panel status error\"]').length") == 3
