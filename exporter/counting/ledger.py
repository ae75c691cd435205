"""The poller's memory: which ends of jobs are counted, and the minutes that they make."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.counting.runs import Runs
from exporter.counting.times import first_slot_of, minute_of_slot
from jobqueue.bounds import LISTS
from jobqueue.rows import MinuteRuns, NewRuns, SlotCount

MAX_RANGES = 4
ROWS_PER_RANGE = 200_000
"""Aggregating costs 2 to 3 microseconds a row: half a second a statement at most."""
MOST_ENDS = LISTS["ends"]
"""A slot with more rows is crowded: its ends would fill the memory, so its minute is compared by number."""

Key = tuple[int, str]
"""A minute since the epoch, and a job type."""

Ends = Mapping[int, Sequence[int]]
"""Ends of jobs by slot: each is a hash of a job and its finish time. A slot without any is a crowded one."""


NONE = NewRuns((), {})


@dataclass(frozen=True, slots=True)
class Draft:
    """What one read would change; nothing has changed until the store took it and the ledger accepted it."""

    counts: Mapping[int, SlotCount]
    ends: Ends
    minutes: Mapping[Key, Runs]
    growth: Mapping[Key, Runs]
    """What each minute gained since this process last told its followers."""


class Ledger:
    """Turns reads of slots into growth of minutes, each end of a job once.

    Two figures a minute: what is counted, by whichever exporter, and what this process has told its followers. It
    changes only in ``accept``: a read whose write failed leaves no trace, and is read again.
    """

    def __init__(self, ends_from: int = 0) -> None:
        self.ends_from = ends_from
        """The first minute whose ends are all known. What ended before it can only be compared by number."""
        self._seen: dict[int, SlotCount] = {}
        self._ends: dict[int, Sequence[int]] = {}
        self._counted: dict[Key, Runs] = {}
        self._told: dict[Key, Runs] = {}
        self._unwritten: set[Key] = set()
        self._unwritten_ends: dict[int, Sequence[int]] = {}

    @property
    def told(self) -> Mapping[Key, Runs]:
        """The minutes that can still be read again, as the followers know them."""
        return self._told

    @property
    def job_types(self) -> set[str]:
        """The types that it knows."""
        return {job_type for _, job_type in self._counted}

    @property
    def ends(self) -> Ends:
        """The ends that are counted."""
        return self._ends

    def start(self, minutes: Mapping[Key, Runs], ends: Ends, ends_from: int) -> None:
        """Begin where the store ends: what it holds was counted before this process."""
        self._counted, self._told, self._ends = dict(minutes), dict(minutes), dict(ends)
        self.ends_from = ends_from

    def recall(self, minutes: Mapping[Key, Runs]) -> None:
        """Know minutes again that were forgotten: they were counted, and the followers told."""
        known = self._counted.keys()
        forgotten = {key: runs for key, runs in minutes.items() if key not in known}
        self._counted |= forgotten
        self._told |= forgotten

    def merge(self, minutes: Mapping[Key, Runs], ends: Ends, ends_from: int) -> None:
        """Compare with the store, which others write too, and which may have lost the newest of it in a crash.

        Where either side has all ends of the other, it is right. Where each has some of its own, the store is: what
        only this process had counted is found in the queue again.
        """
        self.ends_from = max(self.ends_from, ends_from)
        self._seen.clear()
        ours, stored = _by_minute(self._ends), _by_minute(ends)
        by_number = self.crowded({}) | {minute_of_slot(slot) for slot, known in ends.items() if not known}
        ahead = {minute for minute, known in ours.items() if known > stored.get(minute, set())} | by_number
        counted = {key: runs for key, runs in self._counted.items() if key[0] in ahead or key[0] < self.ends_from}
        for key, runs in minutes.items():
            counted[key] = counted[key].greatest(runs) if key in counted else runs
        self._counted = counted
        kept = {slot: known for slot, known in self._ends.items() if minute_of_slot(slot) in ahead}
        self._ends = {**ends, **kept}
        self._unwritten = {key for key, runs in counted.items() if runs.finished > minutes.get(key, _NOTHING).finished}
        self._unwritten_ends = {
            slot: lacking
            for slot, known in kept.items()
            if (lacking := sorted({*known} - {*ends.get(slot, ())})) or slot not in ends
        }

    def changed(self, counts: Mapping[int, SlotCount]) -> dict[int, int]:
        """Those slots that aren't as they were seen last, with their number of rows."""
        return {slot: count.rows for slot, count in counts.items() if self._seen.get(slot) != count}

    def crowded(self, counts: Mapping[int, SlotCount]) -> set[int]:
        """The minutes that have a crowded slot, by *counts* or since earlier: once crowded, a minute stays so."""
        known = (slot for slot, ends in self._ends.items() if not ends)
        return {minute_of_slot(slot) for slot in (*known, *(s for s, c in counts.items() if c.rows > MOST_ENDS))}

    def ends_between(self, first: int, last: int) -> Iterator[int]:
        """The counted ends of the slots from *first* to *last*."""
        for slot in range(first, last + 1):
            yield from self._ends.get(slot, ())

    def draft(self, counts: Mapping[int, SlotCount], new: NewRuns = NONE, whole: NewRuns = NONE) -> Draft:
        """Work out what minutes become: with *new* ends they grow, of those read *whole* each greater figure counts."""
        grown = _gathered(new.minutes)
        minutes = {key: Runs.total((self._counted.get(key, _NOTHING), runs)) for key, runs in grown.items()}
        for key, runs in _gathered(whole.minutes).items():
            minutes[key] = runs.greatest(self._counted.get(key, _NOTHING))
        ends = together(new.ends, whole.ends)
        ends |= {slot: () for slot, count in counts.items() if count.rows > MOST_ENDS}
        return self._draft(counts, ends, minutes)

    def accept(self, draft: Draft) -> None:
        """Take over a draft that was committed."""
        self._seen.update(draft.counts)
        for slot, ends in draft.ends.items():
            known = self._ends.get(slot)
            crowded = not ends or (known is not None and not known)
            self._ends[slot] = () if crowded else array("q", {*(known or ()), *ends})
        self._counted.update(draft.minutes)
        for key in draft.growth:
            self._told[key] = self._counted[key]
        self._unwritten.clear()
        self._unwritten_ends.clear()

    def forget_before(self, minute: int) -> None:
        """Drop what no poll reads again."""
        first_slot = first_slot_of(minute)
        self.ends_from = max(self.ends_from, minute)
        self._seen = {slot: rows for slot, rows in self._seen.items() if slot >= first_slot}
        self._ends = {slot: ends for slot, ends in self._ends.items() if slot >= first_slot}
        self._counted = {key: runs for key, runs in self._counted.items() if key[0] >= minute}
        self._told = {key: runs for key, runs in self._told.items() if key[0] >= minute}

    def _draft(self, counts: Mapping[int, SlotCount], ends: Ends, minutes: Mapping[Key, Runs]) -> Draft:
        grown = {key: runs for key, runs in minutes.items() if runs.finished > self._finished(self._counted, key)}
        counted = {**self._counted, **grown}
        return Draft(
            counts,
            together(self._unwritten_ends, ends),
            {**{key: self._counted[key] for key in self._unwritten}, **grown},
            {
                key: runs.growth_since(self._told.get(key, _NOTHING))
                for key, runs in counted.items()
                if runs.finished > self._finished(self._told, key)
            },
        )

    def _finished(self, minutes: Mapping[Key, Runs], key: Key) -> int:
        return minutes[key].finished if key in minutes else 0


_NOTHING = Runs()


def together(some: Ends, others: Ends) -> dict[int, Sequence[int]]:
    """The ends of both, by slot."""
    return {slot: [*some.get(slot, ()), *others.get(slot, ())] for slot in some.keys() | others.keys()}


def _gathered(rows: Iterable[MinuteRuns]) -> Mapping[Key, Runs]:
    gathered: defaultdict[Key, Runs] = defaultdict(Runs)
    for row in rows:
        gathered[row.minute, row.job_type].add(Runs.read(row))
    return gathered


def _by_minute(ends: Ends) -> Mapping[int, set[int]]:
    minutes: defaultdict[int, set[int]] = defaultdict(set)
    for slot, known in ends.items():
        minutes[minute_of_slot(slot)].update(known)
    return minutes


def ranges(changed: Mapping[int, int], *, over_gaps: bool = True) -> list[tuple[int, int]]:
    """Group slots into ranges ``[first, last]`` to be read by one statement each.

    Unbroken ranges of at most ``ROWS_PER_RANGE`` rows; where gaps would make more than ``MAX_RANGES``, gaps are read
    too, which costs time and changes nothing, unless *over_gaps* is forbidden.
    """
    apart = _grouped(changed, over_gaps=False)
    return _grouped(changed, over_gaps=True) if over_gaps and len(apart) > MAX_RANGES else apart


def _grouped(changed: Mapping[int, int], *, over_gaps: bool) -> list[tuple[int, int]]:
    groups: list[tuple[int, int]] = []
    rows = 0
    for slot in sorted(changed):
        joins = groups and (over_gaps or slot == groups[-1][1] + 1) and rows + changed[slot] <= ROWS_PER_RANGE
        rows = rows + changed[slot] if joins else changed[slot]
        if joins:
            groups[-1] = (groups[-1][0], slot)
        else:
            groups.append((slot, slot))
    return groups
