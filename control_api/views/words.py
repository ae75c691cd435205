"""What pages say about actions and their steps."""

import re
from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from control_api import audit
from control_api.actions import Action
from control_api.asked import Asked, AskedStep
from control_api.audit import AuditEntry
from control_api.views.times import counted

_LONGEST_NAME = 60

_DONE: Final[Mapping[str, tuple[str, str]]] = {
    "queued": ("Queued", "job"),
    "fail_active": ("Failed active jobs", "job"),
    "cancel_pending": ("Cancelled pending jobs", "job"),
    "fail_stuck": ("Failed stuck jobs", "job"),
    "cancel_stale": ("Cancelled stale jobs", "job"),
    "delete_completed": ("Deleted old completed jobs", "job"),
    "delete_failed": ("Deleted old failed jobs", "job"),
    "reap_workers": ("Forgot dead workers", "worker"),
    "delete_tokens": ("Deleted expired tokens", "token"),
}
"""By the name of a step: what it has done, and to what."""


def destructive(action: Action) -> bool:
    """Whether an action takes away what somebody may still want; it then touches only what was shown."""
    return action in (Action.FAIL_ACTIVE, Action.CANCEL_PENDING)


def done(step: str) -> str:
    """What a step has done."""
    return _DONE[step][0] if step in _DONE else step


def rows(step: str, number: int) -> str:
    """How many of what a step concerns: ``3 jobs``, ``1 worker``."""
    return counted(number, _DONE[step][1] if step in _DONE else "row")


def untouched(entry: AuditEntry, step: str) -> str:
    """What is said of a step of which the log has no row; of its own rounds the janitor writes no zeros."""
    match entry.state:
        case audit.RUNNING:
            return "not yet"
        case audit.DONE:
            return rows(step, 0)
        case _:
            return "nothing" if entry.actor == audit.BY_ITSELF else "not done"


def kind(step: str) -> str:
    """What the things are called by that a step concerns."""
    return "Worker" if step == "reap_workers" else "Job type"


def sentence(text: str) -> str:
    """A detail as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def breakable(name: str | None) -> Markup:
    """A name that is rather broken between its parts than within one of them."""
    return Markup("<wbr>").join(re.split(r"(?<=[._/:-])(?=\w)", name or ""))


def called(action: Action | str) -> str:
    """What an action is called: one that this version doesn't know by its name in the log."""
    return action.title if isinstance(action, Action) else action


def heading(action: Action | str, source: str, job_type: str | None) -> str:
    """What a page about an action is headed."""
    return f"{called(action)}: {job_type}" if job_type is not None else f"{called(action)} on {source}"


def concerned(asked: AskedStep) -> str:
    """How many of what a step would concern: ``3 jobs``, ``at least 100,000 jobs``."""
    return _at_least(asked, rows(asked.step.name, asked.rows))


def button(asked: Asked) -> str:
    """A caption that says what happens."""
    match asked.action:
        case Action.RUN:
            return f"Run {_shortened(asked.schedule.job_type if asked.schedule else '')} now"
        case Action.JANITOR:
            return f"Run Janitor: {_at_least(asked, counted(asked.rows, 'row'))}" if asked.rows else "Run Janitor"
        case Action.FAIL_ACTIVE:
            return f"Fail {_at_least(asked, counted(asked.rows, 'active job'))}"
        case Action.CANCEL_PENDING:
            return f"Cancel {_at_least(asked, counted(asked.rows, 'pending job'))}"


def nothing(action: Action) -> str | None:
    """What is said instead of a button when nobody is concerned; None where that's no reason not to."""
    return {
        Action.FAIL_ACTIVE: "No job is active: there is nothing to fail.",
        Action.CANCEL_PENDING: "No job is pending: there is nothing to cancel.",
    }.get(action)


def outcome(entry: AuditEntry) -> str:
    """What came of an action, in a sentence."""
    changed = counted(entry.changed, "row")
    match entry.state, entry.action:
        case audit.RUNNING, _:
            return f"At work: {changed} so far."
        case audit.DONE, Action.RUN:
            return f"Queued as job {entry.note}."
        case audit.DONE, Action.FAIL_ACTIVE:
            return f"Done: failed {counted(entry.changed, 'active job')}."
        case audit.DONE, Action.CANCEL_PENDING:
            return f"Done: cancelled {counted(entry.changed, 'pending job')}."
        case audit.DONE, _:
            return f"Done: {changed} cleaned up."
        case _:
            return f"{entry.state.capitalize()} after {changed}: what was done stays done, and doing it again is safe."


def _at_least(asked: Asked | AskedStep, text: str) -> str:
    return f"at least {text}" if asked.at_least else text


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
