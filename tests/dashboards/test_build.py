"""What is committed is what the code builds, in a form that Grafana takes."""

from collections.abc import Iterator
from typing import Any

import pytest

from dashboards import check
from dashboards.build import built, write
from dashboards.files import FOLDER, text
from tests.dashboards.dashboards import BUILT, CLASSIC, TABS, Json, panels

PANELS = dict(panels())
WITH_WRAPPED_ROWS = ("Scheduled Jobs", "Schedule")
each_panel = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS.keys())
each_dashboard = pytest.mark.parametrize("dashboard", CLASSIC.values(), ids=CLASSIC.keys())


def test_nothing_is_wrong_with_what_is_committed() -> None:
    assert list(check.faults(FOLDER)) == []


def test_building_twice_gives_the_same_text() -> None:
    assert {name: text(board) for name, board in built().items()} == {name: text(b) for name, b in BUILT.items()}


def test_writing_removes_a_dashboard_of_ours_that_is_no_more_and_no_other_file(tmp_path: Any) -> None:
    for name in ("system-status-old.json", "somebody-elses.json"):
        (tmp_path / name).write_text("{}")

    write(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == BUILT.keys() | {"somebody-elses.json"}
    assert list(check.faults(tmp_path)) == []


@each_dashboard
def test_a_dashboard_refreshes_every_30_seconds_in_the_readers_timezone(dashboard: Json) -> None:
    assert (dashboard["refresh"], dashboard["timezone"]) == ("30s", "browser")


@each_dashboard
def test_panels_have_ids_of_their_own(dashboard: Json) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]

    assert len(set(ids)) == len(ids)


@each_dashboard
def test_the_bar_of_links_is_the_same_everywhere_and_marks_where_one_is(dashboard: Json) -> None:
    titles = {link["url"].removeprefix("/d/"): link["title"] for link in dashboard["links"]}

    assert list(titles) == list(CLASSIC)
    assert [uid for uid, title in titles.items() if title.startswith("● ")] == [dashboard["uid"]]
    assert all(link["includeVars"] for link in dashboard["links"])


@each_panel
def test_queries_of_a_panel_are_told_apart(panel: Json) -> None:
    refs = [target["refId"] for target in panel["targets"]]

    assert all(refs)
    assert len(set(refs)) == len(refs)


@each_panel
def test_data_sources_are_those_of_the_variables(panel: Json) -> None:
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]

    assert {source["uid"] for source in sources} <= {"${prometheus}", "${postgres}"}


@each_panel
def test_a_panel_without_data_says_why_in_words(panel: Json) -> None:
    assert panel["fieldConfig"]["defaults"]["noValue"] not in ("", "No data")


@each_panel
def test_a_panel_is_not_limited_in_points_and_shows_the_newest_value(panel: Json) -> None:
    assert "maxDataPoints" not in panel
    assert panel["options"].get("reduceOptions", {"calcs": ["lastNotNull"]})["calcs"] == ["lastNotNull"]


@each_panel
def test_a_minimum_step_is_the_panels_for_grafana_takes_a_querys_own_for_the_scrape_interval(panel: Json) -> None:
    assert not [target for target in panel["targets"] if "interval" in target]


@each_panel
def test_a_gap_is_shown_where_a_query_tells_its_step(panel: Json) -> None:
    """Grafana inserts one only where all fields agree on how long it is; the time's own is the query's step."""
    assert panel["fieldConfig"]["defaults"].get("custom", {}).get("insertNulls", False) is False


@pytest.mark.parametrize("panel", [one for one in PANELS.values() if one["title"].startswith("Firing alerts")])
def test_the_alerts_of_one_source_fit_beside_the_cards_in_a_window_of_1280_pixels(panel: Json) -> None:
    width = panel["gridPos"]["w"]
    pixels = (1280 - 2 * 16 - 23 * 8) / 24 * width + 8 * (width - 1)

    assert sum(_least_widths(panel)) <= pixels


@pytest.mark.parametrize(
    "panel",
    [one for one in PANELS.values() if one["type"] == "table" and one["title"] not in WITH_WRAPPED_ROWS],
    ids=lambda one: one["title"],
)
def test_a_table_that_is_full_shows_whole_rows(panel: Json) -> None:
    """Grafana's grid has 38 pixels a row, of which 8 are a gap; a table has 36, and 77 go to title and header."""
    left = (38 * panel["gridPos"]["h"] - 8 - 77) % 36

    assert left <= 10 or left >= 35


@pytest.mark.parametrize(
    "chart", [one for one in PANELS.values() if one["type"] == "timeseries"], ids=lambda one: one["title"]
)
def test_no_axis_counts_in_parts_of_minutes(chart: Json) -> None:
    """Grafana's marks are powers of ten, halves and quarters of them: of seconds, 1.67 mins in its unit "s"."""
    assert chart["fieldConfig"]["defaults"]["unit"] != "s" or chart["title"] == "Duration of reads"


def test_a_chart_shows_no_more_series_than_the_palette_has_hues() -> None:
    queries = [one["query"]["query"] for board in CLASSIC.values() for one in board["templating"]["list"][2:]]

    assert {query.partition("topk(")[2].partition(",")[0] for query in queries} == {"", "6"}


@each_panel
def test_a_panel_says_what_it_shows(panel: Json) -> None:
    assert panel["title"] or panel["transparent"]  # the line of trouble, which says it in its values
    assert panel["description"].endswith(".")


@pytest.mark.parametrize("dashboard", BUILT.values(), ids=BUILT.keys())
def test_null_stands_only_for_minus_infinity(dashboard: Json) -> None:
    assert {path for path, value in _leaves(dashboard) if value is None} <= {"steps.0.value"}


def test_the_tabbed_one_has_each_panel_once() -> None:
    placed = [
        item["spec"]["element"]["name"]
        for tab in TABS["layout"]["spec"]["tabs"]
        for item in tab["spec"]["layout"]["spec"]["items"]
    ]

    assert sorted(placed) == sorted(TABS["elements"])
    assert len(set(placed)) == len(placed)


def test_the_tabs_are_those_of_the_page_with_their_panels_in_place() -> None:
    tabs = {tab["spec"]["title"]: tab["spec"]["layout"]["spec"]["items"] for tab in TABS["layout"]["spec"]["tabs"]}

    assert list(tabs) == ["Background Jobs", "Workers", "Metrics (24h)"]
    for items, uid in zip(tabs.values(), CLASSIC, strict=False):
        for item, panel in zip(items, CLASSIC[uid]["panels"], strict=True):
            place, spec = item["spec"], TABS["elements"][item["spec"]["element"]["name"]]["spec"]
            assert (place["x"], place["y"], place["width"], place["height"]) == tuple(
                panel["gridPos"][side] for side in "xywh"
            )
            assert _classic(spec) == {key: panel[key] for key in _classic(spec)}
            assert [_target(link) for link in spec["links"]] == [_target(link) for link in panel["links"]]
            assert spec["data"]["spec"]["queryOptions"].get("interval") == panel.get("interval")


def test_a_chart_of_a_tab_keeps_the_time_range_that_it_is_meant_for() -> None:
    ranges: dict[str, set[str]] = {}
    for name, element in TABS["elements"].items():
        data = element["spec"]["data"]["spec"]
        if not all(query["spec"]["query"]["spec"].get("instant", True) for query in data["queries"]):
            ranges.setdefault(name.rpartition("-")[0], set()).add(
                data["queryOptions"].get("timeFrom", "the dashboard's")
            )

    assert TABS["timeSettings"]["from"] == CLASSIC["system-status-jobs"]["time"]["from"] == "now-6h"
    assert ranges == {"jobs": {"the dashboard's"}, "workers": {"the dashboard's"}, "metrics": {"24h"}}


def _least_widths(table: Json) -> Iterator[int]:
    """Of the columns that are shown, Source apart, which goes where there is one."""
    for override in table["fieldConfig"]["overrides"]:
        given = {prop["id"]: prop["value"] for prop in override["properties"]}
        if override["matcher"]["options"] not in ("/.*/", "Source") and "custom.hidden" not in given:
            yield given.get("custom.width") or given.get("custom.minWidth") or 50


def _target(link: Json) -> tuple[str, bool]:
    return link["url"], link["targetBlank"]


def _classic(spec: Json) -> Json:
    """A v2 panel said in the classic schema's words."""
    drawn = spec["vizConfig"]
    return {
        "title": spec["title"],
        "description": spec["description"],
        "type": drawn["group"],
        "fieldConfig": drawn["spec"]["fieldConfig"],
        "options": drawn["spec"]["options"],
        "transformations": [
            {"id": step["group"], "options": step["spec"]["options"]}
            for step in spec["data"]["spec"]["transformations"]
        ],
        "targets": [
            {
                "refId": query["spec"]["refId"],
                "datasource": {
                    "type": query["spec"]["query"]["group"],
                    "uid": query["spec"]["query"]["datasource"]["name"],
                },
                **query["spec"]["query"]["spec"],
            }
            for query in spec["data"]["spec"]["queries"]
        ],
    }


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, str(number)))
    else:
        yield ".".join(path[-3:]), value
