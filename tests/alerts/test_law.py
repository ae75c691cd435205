"""The law of every alert: it fires without a break until its trouble ends, resolves in time, and never fires without.

What ends a trouble, and how soon the alert resolves then, is the table in docs/alerts.md.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import yaml

from tests.alerts import schedule_troubles, troubles
from tests.alerts.duration_troubles import durations
from tests.alerts.expressions import ROOT, alerts
from tests.alerts.replay import ask
from tests.alerts.scene import About, Scene

KINDS = {
    "queue": troubles.troubles,
    "hours": schedule_troubles.hours,
    "days": lambda: chain(schedule_troubles.days(), durations(*schedule_troubles.DAYS)),
    "drops": schedule_troubles.drops,
    "months": schedule_troubles.months,
}
_RECORDED = {
    "law:fired_seconds": 'time() * group without (alertstate) (ALERTS{alertstate="firing"})',
    "law:begun_seconds": "law:fired_seconds unless law:fired_seconds offset {step}m",
}
_QUESTIONS = {
    "first": "min_over_time(law:fired_seconds[{span}m])",
    "last": "max_over_time(law:fired_seconds[{span}m])",
    "times": "count_over_time(law:begun_seconds[{span}m])",
    "again": "max_over_time(law:begun_seconds[{span}m])",
}


@dataclass(frozen=True, slots=True)
class Fired:
    """From which minute until which an alert fired, how many times it began, and when it did so last."""

    first: float
    last: float
    times: float
    again: float


Told = dict[str, list[tuple[About, Fired]]]
"""What fired, by source."""


@cache
def scenes(kind: str) -> list[Scene]:
    """The scenes that are replayed together."""
    return list(KINDS[kind]())


def _replay(folder: Path, scenes: list[Scene]) -> Told:
    step, steps = scenes[0].step, scenes[0].steps
    recorded = [{"record": name, "expr": expr.replace("{step}", str(step))} for name, expr in _RECORDED.items()]
    rules = folder / "law.yml"
    rules.write_text(yaml.dump({"groups": [{"name": "law", "rules": recorded}]}))
    span = (steps - 1) * step
    questions = [(span, question.format(span=span)) for question in _QUESTIONS.values()]
    series = (series for scene in scenes for series in scene.series())
    answers = ask(folder / "replay.yml", series, step, questions, {"law": rules})
    fired: defaultdict[tuple[tuple[str, str], ...], dict[str, float]] = defaultdict(dict)
    for part, answer in zip(_QUESTIONS, answers, strict=True):
        for labels, value in answer:
            series_of = tuple(sorted((name, text) for name, text in labels.items() if name != "__name__"))
            fired[series_of][part] = value if part == "times" else value / 60
    found: Told = defaultdict(list)
    for known, parts in fired.items():
        labels = dict(known)
        about = About(labels["alertname"], labels["severity"], labels.get("job_type", ""))
        found[labels.get("source", "")].append((about, Fired(**parts)))
    print(f"{len(scenes)} scenes, {sum(len(scene.told) for scene in scenes)} troubles, {steps} steps")
    return found


@cache
def resolves() -> dict[tuple[str, str], int]:
    """Within how many minutes of its trouble's end each alert of each severity resolves, as documented."""
    rows = re.findall(
        r"^\| (JobQueue\w+)(?: \((\w+)\))? \| [^|]+ \| (\d+) min \|$", (ROOT / "docs/alerts.md").read_text(), re.M
    )
    named = {(name, severity): int(minutes) for name, severity, minutes in rows}
    return {
        (alert.name, alert.severity): named.get((alert.name, alert.severity), named.get((alert.name, ""), -1))
        for alert in alerts()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_law_holds(kind: str, tmp_path: Path) -> None:
    told = _replay(tmp_path, scenes(kind))

    assert [wrong for scene in scenes(kind) for wrong in _wrongs(scene, told.get(scene.source, []))] == []


def _wrongs(scene: Scene, fired: list[tuple[About, Fired]]) -> Iterator[str]:
    for about in scene.told.keys() - {about for about, _ in fired}:
        yield f"{scene.source}: {about} doesn't fire in {scene.told[about]}"
    for about, times in fired:
        yield from (f"{scene.source}: {wrong}" for wrong in _wrong(scene, about, times))


def _wrong(scene: Scene, about: About, fired: Fired) -> list[str]:
    trouble = scene.told.get(about)
    known = trouble or scene.also.get(about.alert)
    if known is None:
        return [f"{about} fires without a trouble: {fired}"]
    wrong = []
    shown = -(-known.end // scene.step) * scene.step
    if fired.first < known.begin or fired.last > shown + resolves()[about.alert, about.severity]:
        wrong.append(f"{about} fires beyond {known}: {fired}")
    if trouble is not None and fired.times != 1:
        wrong.append(f"{about} has a break in {trouble}: {fired}")
    if trouble is not None and fired.last < trouble.end - scene.step:
        wrong.append(f"{about} ends before {trouble}: {fired}")
    return wrong


def test_every_alert_has_a_trouble_of_its_own() -> None:
    with_trouble = {(about.alert, about.severity) for kind in KINDS for scene in scenes(kind) for about in scene.told}

    assert with_trouble == {(alert.name, alert.severity) for alert in alerts()}


def test_every_alert_says_how_soon_it_resolves() -> None:
    assert [alert for alert, minutes in resolves().items() if minutes < 0] == []
