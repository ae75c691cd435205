"""Trouble doesn't look like calm: a line says what can't be read, empty panels claim nothing, and rows come first."""

import math
from typing import Any

import pytest

from dashboards.promql.trouble import with_words
from jobqueue.reasons import Reason
from tests.dashboards.dashboards import CLASSIC, panel, panels
from tests.dashboards.exposition import DOWN, EMPTY, FULL, GONE, HALF, MUTE, PART, UNKEPT
from tests.dashboards.filled import Filled

JOBS = "system-status-jobs"
READ, MORE, IN_PART, UNSCRAPED, NOT_KEPT, NOTHING = range(6)
KNOWN_BY_OTHERS = ("control API", "no exporter runs", "Prometheus has our rules")
"""Emptiness that has another reason than a queue that can't be read, which the text says."""
NOT_EMPTY = ("—", " ")


def line(uid: str = JOBS) -> dict[str, Any]:
    found: dict[str, Any] = CLASSIC[uid]["panels"][0]
    return found


def asked(filled: Filled, number: int, *sources: str) -> list[tuple[str, str, float]]:
    """What a query of the line answers: source, reason in words, and for how many seconds that has been so."""
    rows = filled.ask(line()["targets"][number]["expr"], sources)
    return sorted(
        (labels.get("source", ""), labels.get("why", ""), filled.moment - value / 1000) for labels, value in rows
    )


@pytest.mark.parametrize("uid", CLASSIC)
def test_the_same_line_stands_at_the_top_of_every_dashboard_without_a_frame(uid: str) -> None:
    shown = line(uid)

    assert shown | {"id": 0} == line() | {"id": 0}
    assert shown["gridPos"] == {"x": 0, "y": 0, "w": 24, "h": 2}
    assert shown["transparent"]
    assert shown["title"] == ""
    assert shown["fieldConfig"]["defaults"]["thresholds"]["steps"][0] == {"color": "transparent", "value": None}


@pytest.mark.parametrize("number", range(6))
def test_nothing_is_said_while_everything_can_be_read(number: int, filled: Filled) -> None:
    assert asked(filled, number, *FULL, EMPTY, MUTE, HALF) == []


def test_the_line_says_which_source_cant_be_read_since_when_and_why(filled: Filled) -> None:
    everything = (*FULL, DOWN, HALF, PART, UNKEPT, GONE)

    assert asked(filled, READ, *everything) == [(DOWN, "connection refused", 300)]
    assert asked(filled, IN_PART, *everything) == [(PART, "permission", 300)]
    assert asked(filled, NOT_KEPT, *everything) == [(UNKEPT, "read only", 300)]
    [(gone, _, unseen)] = asked(filled, UNSCRAPED, *everything)
    assert gone == GONE
    assert 1800 <= unseen < 1860
    assert asked(filled, MORE, *everything) == asked(filled, NOTHING, *everything) == []


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason, filled: Filled) -> None:
    told = with_words(f'label_replace(vector(1), "reason", "{reason}", "", "")')
    [(labels, _)] = filled.ask(told, ())

    assert labels["why"]
    assert "_" not in labels["why"]
    assert labels["why"] == labels["why"].strip()


def test_no_empty_panel_claims_what_isnt_known() -> None:
    for name, shown in panels():
        empty = shown["fieldConfig"]["defaults"].get("noValue", "")
        known = empty in NOT_EMPTY or any(words in empty for words in KNOWN_BY_OTHERS)

        assert known or empty.endswith("or the source can't be read: then a line at the top says why."), name


def test_rows_in_trouble_come_first_and_a_card_counts_them(filled: Filled) -> None:
    scheduled = panel(JOBS, "Scheduled Jobs")
    rank = {labels["job_type"]: value for labels, value in filled.ask(scheduled["targets"][-1]["expr"], ("main",))}
    [card] = [one for one in panel(JOBS, "At a glance")["targets"] if one["legendFormat"] == "In trouble"]
    sorts = [one["options"]["sort"] for one in scheduled["transformations"] if one["id"] == "sortBy"]

    assert rank == {
        "overdue": 0,
        "broken": 1,
        "disabled_lately": 2,
        **dict.fromkeys(("daily", "minutely", "disabled", "never_ran", "without_jobs"), 3),
    }
    assert [value for _, value in filled.ask(card["expr"], ("main",))] == [3]
    letter = scheduled["targets"][-1]["refId"]
    assert [one["field"] for [one] in sorts] == ["Source", "job_type", f"Value #{letter}"]
    assert not any(math.isnan(value) for value in rank.values())
