"""How many finished rows a queue holds, by job type and state, without counting them at each poll.

Counted once; from then on what the tally counts is added, and what lies before the oldest row that is still there
(the frontier) is taken away. Exact as long as rows are deleted in the order of their finish, as janitors do; whatever
else happens to rows is made good by the next full count.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

from exporter.counting.day import Growth
from exporter.counting.runs import Runs
from jobqueue.rows import FinishedCount
from jobqueue.states import JobState

Held = Counter[tuple[str, JobState]]
"""Rows by label of the job type and state."""

Slot = tuple[int, int]
"""Minutes since the epoch, the second not included."""

NARROW, WIDE = 15, 24 * 60
"""Minutes of a slot: those that are days old are wide, to be few."""
_WIDE_AFTER = 2 * 24 * 60


class Census:
    """Finished rows by slot, and their sums in ``held``.

    Rows that finished from minute ``boundary`` on come from the tally, those before it from counts.
    """

    def __init__(self, label: Callable[[str], str], boundary: int, unsettled: Mapping[tuple[int, str], Runs]) -> None:
        self.boundary = boundary
        self.held = Held()
        self._label = label
        self._settled_until = boundary
        self._slots: defaultdict[Slot, Held] = defaultdict(Held)
        self._minutes: defaultdict[int, Held] = defaultdict(Held)
        self.add((minute, label(job_type), runs) for (minute, job_type), runs in unsettled.items())

    def add(self, growth: Iterable[Growth]) -> None:
        """Follow the tally."""
        for minute, job_type, runs in growth:
            if minute >= self.boundary:
                rows = Held(
                    {
                        (job_type, JobState.COMPLETED): runs.runs - runs.failures,
                        (job_type, JobState.FAILED): runs.failures,
                        (job_type, JobState.CANCELLED): runs.cancelled,
                    }
                )
                self._minutes[minute].update(rows)
                self.held.update(rows)

    def stand(self, rows: Iterable[FinishedCount]) -> None:
        """Take away those that were counted but stand there no more: *rows* are all of the ``newest``, by minute.

        A row that the tally hasn't counted yet is left to it.
        """
        there: Counter[tuple[int, str, JobState]] = Counter()
        for row in rows:
            there[row.slot, self._label(row.job_type), row.state] += row.jobs
        for minute, held in self._minutes.items():
            if minute < self._settled_until:
                continue
            for (job_type, state), jobs in list(held.items()):
                gone = max(0, jobs - there[minute, job_type, state])
                held[job_type, state] -= gone
                self.held[job_type, state] -= gone

    def count(self, rows: Iterable[FinishedCount], slot_minutes: int) -> None:
        """Take in rows from before the boundary, read in slots of so many minutes."""
        for row in rows:
            key = (self._label(row.job_type), row.state)
            self._slots[self._slot_of(row.slot * slot_minutes)][key] += row.jobs
            self.held[key] += row.jobs

    def settle(self, first_unsettled: int) -> None:
        """Gather minutes that can't change any more into slots."""
        self._settled_until = max(self._settled_until, first_unsettled // NARROW * NARROW)
        for minute in [minute for minute in self._minutes if minute < self._settled_until]:
            self._slots[self._slot_of(minute)].update(self._minutes.pop(minute))

    def drop_before(self, frontier: int, state: JobState) -> Slot | None:
        """Take away the rows of one state that are gone when the oldest finished in minute *frontier*.

        Answers which minutes are to be counted again and given to ``recount``, if any: the frontier lies in them.
        """
        for minute, rows in self._minutes.items():
            if minute < frontier:
                self._take_away(rows, state)
        partly = None
        for slot, rows in list(self._slots.items()):
            if slot[1] <= frontier:
                self._take_away(rows, state)
                if not rows:
                    del self._slots[slot]
            elif slot[0] <= frontier:
                partly = (slot[0], min(slot[1], self._settled_until))
        return partly

    def recount(self, minutes: Slot, state: JobState, rows: Iterable[FinishedCount]) -> None:
        """Replace the rows of one state in the slot of these *minutes* by those counted now."""
        slot = self._slot_of(minutes[0])
        self._take_away(self._slots[slot], state)
        for row in rows:
            if row.state is state:
                key = (self._label(row.job_type), state)
                self._slots[slot][key] += row.jobs
                self.held[key] += row.jobs

    @property
    def newest(self) -> tuple[int, int]:
        """The first minute that isn't gathered into a slot yet, and how many rows ended since then."""
        return self._settled_until, sum(held.total() for held in self._minutes.values())

    @property
    def narrow_from(self) -> int:
        """The first minute that lies in a narrow slot."""
        return (self.boundary - _WIDE_AFTER) // WIDE * WIDE

    def width_at(self, minute: int) -> int:
        """How wide slots are there."""
        return WIDE if minute < self.narrow_from else NARROW

    def _slot_of(self, minute: int) -> Slot:
        width = self.width_at(minute)
        first = minute // width * width
        return first, first + width

    def _take_away(self, rows: Held, state: JobState) -> None:
        for key in [key for key in rows if key[1] is state]:
            self.held[key] -= rows.pop(key)
