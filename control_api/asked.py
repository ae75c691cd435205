"""What an action would do, as it is answered to whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from control_api.actions import Action, Step
from control_api.audit import AuditEntry
from jobqueue.rows import Concerned, Listed, ScheduleRow, Worker


@dataclass(frozen=True, slots=True)
class AskedStep:
    """What one step would do, and whom it concerns."""

    step: Step
    concerned: Sequence[Concerned]
    at_least: bool
    """Whether there may be more rows than were counted."""

    @property
    def named(self) -> Sequence[Concerned]:
        """The job types or workers that it concerns most, the largest first."""
        return [concerned for concerned in self.concerned if not concerned.others]

    @property
    def others(self) -> Concerned | None:
        """All others, added up; None where the list has room for all."""
        return next((concerned for concerned in self.concerned if concerned.others), None)

    @property
    def rows(self) -> int:
        """How many rows it concerns, or at least concerns."""
        return sum(concerned.rows for concerned in self.concerned)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an action would do at the moment ``at``, by the database's clock."""

    source: str
    action: Action
    does: str
    at: datetime
    steps: Sequence[AskedStep]
    """Empty for a run."""
    schedule: ScheduleRow | None
    """The recurring job that a run would queue."""
    running: AuditEntry | None
    """The newest of these actions, if it is still at work."""
    workers: Listed[Worker]
    """Who runs what would be failed, by their heartbeats; nobody for the other actions."""
    kept_by: str | None
    """What keeps the source from being changed at all."""

    @property
    def rows(self) -> int:
        """How many rows all steps together concern, or at least concern."""
        return sum(step.rows for step in self.steps)

    @property
    def at_least(self) -> bool:
        """Whether there may be more rows than were counted."""
        return any(step.at_least for step in self.steps)
