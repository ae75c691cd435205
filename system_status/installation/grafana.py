"""Whether Grafana has the data sources and this version's dashboards, in a folder that only admins see."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobqueue.check import Code, Finding, Level, Report
from system_status.installation.http import without_user

if TYPE_CHECKING:
    from dashboards.installed import Installed

PUBLISH = "GRAFANA_TOKEN=… system-status dashboards publish --grafana {address}"
_MISSING = "pip install 'system-status[dashboards]', which the check of Grafana needs"


async def grafana_report(address: str, token: str) -> Report:
    """Look at one Grafana with a service account's *token*."""
    try:
        from dashboards.grafana_api import GrafanaError
        from dashboards.installed import installed
    except ModuleNotFoundError:
        return Report("Grafana", [Finding(Code.GRAFANA_UNREACHABLE, f"not checked: {_MISSING}")])
    if not token:
        text = f"{without_user(address)}: no token: give a service account's in GRAFANA_TOKEN or GRAFANA_TOKEN_FILE"
        return Report("Grafana", [Finding(Code.GRAFANA_UNREACHABLE, text)])
    try:
        found = await asyncio.to_thread(installed, address, token)
    except GrafanaError as error:
        return Report("Grafana", [Finding(Code.GRAFANA_UNREACHABLE, str(error))])
    return Report("Grafana", list(_findings(found, PUBLISH.format(address=address))), {"version": found.version})


def _findings(found: "Installed", publish: str) -> Iterator[Finding]:
    for plugin in found.missing_plugins:
        yield Finding(
            Code.DATA_SOURCE_MISSING, f"no data source of type {plugin}: the dashboards stay empty without it"
        )
    absent = [dashboard.uid for dashboard in found.dashboards if dashboard.state == "not there"]
    if absent:
        yield Finding(Code.DASHBOARD_MISSING, f"dashboards aren't there: {', '.join(absent)}", commands=(publish,))
    for dashboard in found.dashboards:
        if dashboard.uid not in absent and dashboard.state != "up to date":
            text = f"dashboard {dashboard.uid} is {dashboard.state}"
            yield Finding(Code.DASHBOARD_DIFFERS, text, commands=(publish,), level=Level.WARNING)
    if found.folder is not None and found.folder.others:
        others = ", ".join(map(str, found.folder.others))
        text = f"folder {found.folder.title} can be seen by others than admins: {others}"
        yield Finding(Code.FOLDER_OPEN, text, level=Level.WARNING)
