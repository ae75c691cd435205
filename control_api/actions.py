"""What can be done, and of which steps it consists."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from jobqueue.config import Janitor
from jobqueue.engine import Capability, Cleanup
from jobqueue.schedules.expiry import duration


class Action(StrEnum):
    """An action by its word in paths, tokens, metrics and the log."""

    RUN = "run"
    JANITOR = "janitor"
    FAIL_ACTIVE = "fail-active"
    CANCEL_PENDING = "cancel-pending"

    @property
    def capability(self) -> Capability:
        """What an engine must make possible for it."""
        return Capability(_CAPABILITIES.get(self, self.replace("-", "_")))

    @property
    def title(self) -> str:  # type: ignore[override]  # nobody puts an action in title case
        """The button's caption."""
        return _TITLES[self]

    @property
    def description(self) -> str:
        """What it does in general, in a sentence or two."""
        return _DESCRIPTIONS[self]


_CAPABILITIES = {Action.RUN: Capability.RUN_NOW}
_TITLES = {
    Action.RUN: "Run now",
    Action.JANITOR: "Run Janitor Now",
    Action.FAIL_ACTIVE: "Fail Active Jobs",
    Action.CANCEL_PENDING: "Cancel All Pending",
}
_DESCRIPTIONS = {
    Action.RUN: "Queues a one-off run of a recurring job.",
    Action.JANITOR: "Fails stuck jobs, cancels stale ones, deletes old ones, forgets dead workers and expired tokens.",
    Action.FAIL_ACTIVE: "Force-fails every running job. Only when workers are stuck and need a restart.",
    Action.CANCEL_PENDING: "Drops every job that is due and waits. Schedules recreate recurring jobs on the next tick.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One clean-up within an action: everything older than ``before``, in batches."""

    cleanup: Cleanup
    before: datetime
    name: str
    """As the log has it."""
    phrase: str
    reason: str = ""
    """The last error of the jobs that end by it."""


def plan(
    action: Action, before: datetime, limits: Janitor, tolerated: Collection[Cleanup] = tuple(Cleanup)
) -> Sequence[Step]:
    """The steps of a clean-up at the moment *before*, by the database's clock, as an engine tolerates them.

    None for a run.
    """
    return [step for step in _steps(action, before, limits) if step.cleanup in tolerated]


def what_it_does(action: Action, limits: Janitor, tolerated: Collection[Cleanup] = tuple(Cleanup)) -> str:
    """What it does just here, in a sentence or two: of the janitor every step, and how old rows must be for it."""
    if action is not Action.JANITOR:
        return action.description
    first, *others = [step.phrase for step in plan(action, datetime.now(UTC), limits, tolerated)]
    phrases = [first, *(phrase[0].lower() + phrase[1:] for phrase in others)]
    *before, last = phrases
    return f"{', '.join(before)}, and {last}." if before else f"{last}."


def step_names(action: Action, tolerated: Collection[Cleanup]) -> Sequence[str]:
    """The names of a clean-up's steps, in their order, as an engine tolerates them."""
    return [step.name for step in plan(action, datetime.now(UTC), Janitor(), tolerated)]


def _steps(action: Action, before: datetime, limits: Janitor) -> Sequence[Step]:
    match action:
        case Action.RUN:
            return ()
        case Action.FAIL_ACTIVE:
            return (Step(Cleanup.ACTIVE, before, "fail_active", "Fails active jobs", "failed by an admin"),)
        case Action.CANCEL_PENDING:
            return (Step(Cleanup.PENDING, before, "cancel_pending", "Cancels pending jobs", "cancelled by an admin"),)
        case Action.JANITOR:
            return _janitor(before, limits)


def _janitor(now: datetime, limits: Janitor) -> Sequence[Step]:
    stuck, stale = duration(limits.fail_active_after), duration(limits.cancel_pending_after)
    return (
        Step(
            Cleanup.ACTIVE,
            now - limits.fail_active_after,
            "fail_stuck",
            f"Fails active jobs stuck more than {stuck}",
            f"stuck for more than {stuck}",
        ),
        Step(
            Cleanup.PENDING,
            now - limits.cancel_pending_after,
            "cancel_stale",
            f"Cancels pending jobs older than {stale}",
            f"pending for more than {stale}",
        ),
        Step(
            Cleanup.COMPLETED,
            now - limits.delete_completed_after,
            "delete_completed",
            f"Deletes completed jobs older than {duration(limits.delete_completed_after)}",
        ),
        Step(
            Cleanup.FAILED,
            now - limits.delete_failed_after,
            "delete_failed",
            f"Deletes failed jobs older than {duration(limits.delete_failed_after)}",
        ),
        Step(
            Cleanup.WORKERS,
            now - limits.reap_workers_after,
            "reap_workers",
            f"Reaps dead workers not seen in {duration(limits.reap_workers_after)}",
        ),
        Step(Cleanup.TOKENS, now, "delete_tokens", "Expires old idempotency tokens"),
    )
