"""Every panel of every dashboard, drawn over a demo."""

import re

import pytest

from dashboards.panels.trouble import unless_unread
from preview.dashboards import load_all
from preview.settings import BUILT_DASHBOARDS
from tests.preview.page import Page

UIDS = [dashboard["uid"] for dashboard in load_all(BUILT_DASHBOARDS)]
LINE = ""
"""The title of the line that is empty while everything can be read."""
NOT_A_SENTENCE = re.compile(r"No data|.{0,10}")


async def test_a_job_type_without_jobs_has_no_empty_table(page: Page) -> None:
    await page.open("/d/system-status-job?var-job_type=nobody.ever")
    dump = await page.dump()

    [recent] = [one for one in dump["panels"] if one["title"] == "Recent jobs of this type"]
    assert (recent["status"], recent["screen"].get("rows")) == ("no-data", [])
    assert recent["screen"]["message"] == unless_unread("None among the newest 1,000 jobs")


def test_there_are_dashboards() -> None:
    assert {"system-status-jobs", "system-status-workers", "system-status-metrics"} <= set(UIDS)


@pytest.mark.parametrize("uid", UIDS)
async def test_every_panel_is_drawn_without_error_warning_unresolved_variable_or_gap(uid: str, page: Page) -> None:
    await page.open(f"/d/{uid}")
    dump = await page.dump()

    assert len(dump["panels"]) == dump["expected"]
    assert [(one["title"], one["errors"], one["warnings"]) for one in dump["panels"] if one["errors"]] == []
    assert [(one["title"], one["warnings"]) for one in dump["panels"] if one["warnings"]] == []
    assert [one for one in dump["variables"] if one.get("error") or one.get("warning")] == []
    assert (dump.get("error"), dump["pageErrors"], page.tab.complaints) == (None, [], [])

    empty = {one["title"]: one["screen"].get("message", "") for one in dump["panels"] if one["status"] == "no-data"}
    tables = {one["title"]: one["screen"].get("rows", []) for one in dump["panels"] if one["type"] == "table"}
    assert [title for title, said in empty.items() if title != LINE and NOT_A_SENTENCE.fullmatch(said)] == []
    assert empty[LINE].strip() == ""
    assert [title for title, rows in tables.items() if not rows and title not in empty] == []
    assert [(title, row) for title, rows in tables.items() for row in rows if "" in row] == []
    assert [one["title"] for one in dump["panels"] if one["screen"].get("overflowX")] == []
