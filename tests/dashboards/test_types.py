"""The built dashboards are what Grafana's own published types say a dashboard is."""

import json
import shutil
import subprocess
from pathlib import Path

from dashboards.files import TABBED
from tests.dashboards.dashboards import BUILT, CLASSIC, TABS, Json

TYPES = Path(__file__).parents[2] / "dashboards/types"

# A value is written out, so that the compiler knows its texts; enums are given by their texts.
_HEAD = """
import type { Dashboard } from '@grafana/schema';
import type { Spec } from '@grafana/schema/apis/dashboard.grafana.app/v2';
import type { Options as Table } from
  '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as Stat } from
  '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TimeSeries } from
  '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { Options as Timeline } from
  '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type { GraphFieldConfig } from '@grafana/schema';
type Loose<T> = T extends string ? `${T}` : T extends (infer U)[] ? Loose<U>[]
  : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;
"""
_OPTIONS = {"table": "Table", "stat": "Stat", "timeseries": "TimeSeries", "state-timeline": "Timeline"}
_ONLY_UP_TO_12_1 = ("footer",)  # the table's own, which moved to its columns


def compiled(folder: Path, *values: tuple[str, Json]) -> subprocess.CompletedProcess[str]:
    """Check each value against its type."""
    assert (TYPES / "node_modules").is_dir(), "run make dashboards/types/node_modules"
    (folder / "node_modules").symlink_to(TYPES / "node_modules")
    lines = [f"export const v{number}: {kind} = {json.dumps(value)};" for number, (kind, value) in enumerate(values)]
    (folder / "dashboards.ts").write_text(_HEAD + "\n".join(lines))
    options = ["--strict", "--noEmit", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler"]
    command = [
        shutil.which("node") or "node",
        str(TYPES / "node_modules/typescript/bin/tsc"),
        *options,
        "dashboards.ts",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=200)


def test_dashboards_and_the_options_of_their_panels_are_of_grafanas_types(tmp_path: Path) -> None:
    values = [("Loose<Dashboard>", board) for board in CLASSIC.values()]
    values.append(("Loose<Spec>", TABS))
    for board in CLASSIC.values():
        for panel in board["panels"]:
            options = {key: value for key, value in panel["options"].items() if key not in _ONLY_UP_TO_12_1}
            values.append((f"Loose<{_OPTIONS[panel['type']]}>", options))
            if panel["type"] == "timeseries":
                values.append(("Loose<GraphFieldConfig>", panel["fieldConfig"]["defaults"]["custom"]))

    ended = compiled(tmp_path, *values)

    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_types_refuse_what_is_no_dashboard(tmp_path: Path) -> None:
    panel = {"kind": "Panel", "spec": {"title": "without a query"}}

    ended = compiled(
        tmp_path,
        ("Loose<Dashboard>", CLASSIC["system-status-jobs"] | {"refreshes": "30s"}),
        ("Loose<Spec>", TABS | {"elements": {"one": panel}}),
    )

    assert "'\"refreshes\"' does not exist" in ended.stdout
    assert "missing the following properties" in ended.stdout


def test_the_tabbed_one_is_a_whole_resource_without_what_the_server_adds() -> None:
    resource = BUILT[TABBED]

    assert (resource["apiVersion"], resource["kind"]) == ("dashboard.grafana.app/v2", "Dashboard")
    assert resource["metadata"] == {"name": "system-status"}


def test_the_lock_file_names_no_place_to_fetch_from() -> None:
    assert '"resolved"' not in (TYPES / "package-lock.json").read_text("utf-8")
