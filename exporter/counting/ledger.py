"""The poller's memory: slots as last seen, minutes as last committed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from exporter.counting.runs import Runs
from jobqueue.rows import SlotRuns

MAX_RANGES = 4
ROWS_PER_RANGE = 200_000
"""Aggregating costs 2 to 3 microseconds a row: half a second a statement at most."""

Key = tuple[int, str]
"""A slot or a minute, as a number since the epoch, and a job type."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What one read would change; nothing has changed until the store took it and the ledger accepted it."""

    counts: Mapping[int, int]
    slots: Mapping[Key, Runs]
    minutes: Mapping[Key, Runs]
    growth: Mapping[Key, Runs]
    """What each minute gained since it was last accepted."""


class Ledger:
    """Turns reads of slots into growth of minutes, each finished row once.

    It never forgets a figure while its minute can still be re-read, and it changes only in ``accept``: a read whose
    write failed leaves no trace, and is read again.
    """

    def __init__(self, slot_seconds: int) -> None:
        if 60 % slot_seconds:
            raise ValueError(f"slot_seconds: found {slot_seconds}, allowed: a divisor of 60")
        self.slot_seconds = slot_seconds
        self._seen: dict[int, int] = {}
        self._slots: dict[int, dict[str, Runs]] = {}
        self._counted: dict[Key, Runs] = {}
        self._stored: dict[Key, Runs] = {}
        self._unsettled: set[Key] = set()

    @property
    def per_minute(self) -> int:
        """Slots in a minute."""
        return 60 // self.slot_seconds

    @property
    def counted(self) -> Mapping[Key, Runs]:
        """The minutes that can still be re-read, as last accepted."""
        return self._counted

    @property
    def job_types(self) -> set[str]:
        """The types that it knows."""
        of_slots = (job_type for slot in self._slots.values() for job_type in slot)
        return {*of_slots, *(job_type for _, job_type in (*self._counted, *self._stored))}

    def start(self, minutes: Mapping[Key, Runs], slots: Mapping[Key, Runs]) -> None:
        """Begin where the store ends: what it holds was counted before this process."""
        self._counted = dict(minutes)
        self.reload(minutes, slots)
        self._unsettled.clear()

    def reload(self, minutes: Mapping[Key, Runs], slots: Mapping[Key, Runs]) -> None:
        """Compare with the store after a failure: others may have written meanwhile, or a commit was lost."""
        self._stored = dict(minutes)
        self._seen.clear()
        for (slot, job_type), runs in slots.items():
            known = self._slots.setdefault(slot, {})
            known[job_type] = runs.greatest(known[job_type]) if job_type in known else runs
        self._unsettled = self._counted.keys() | self._stored.keys()

    def changed(self, counts: Mapping[int, int]) -> dict[int, int]:
        """Those slots whose number of rows differs from the one last seen: not only larger ones."""
        return {slot: rows for slot, rows in counts.items() if self._seen.get(slot) != rows}

    def draft(self, counts: Mapping[int, int], rows: Iterable[SlotRuns]) -> Draft:
        """Work out what *rows*, the changed slots read again, add to what is known."""
        read: defaultdict[Key, Runs] = defaultdict(Runs)
        for row in rows:
            read[row.slot, row.job_type].add(Runs.read(row))
        slots = {
            (slot, job_type): runs.greatest(self._slots.get(slot, {}).get(job_type, _NOTHING))
            for (slot, job_type), runs in read.items()
        }
        minutes, growth = {}, {}
        for key in self._touched(slots) | self._unsettled:
            counted, stored = self._counted.get(key, _NOTHING), self._stored.get(key, _NOTHING)
            known = self._sum_of_slots(key, slots).greatest(counted).greatest(stored)
            if known.finished > stored.finished:
                minutes[key] = known
            if known.finished > counted.finished:
                growth[key] = known.growth_since(counted)
        return Draft(counts, slots, minutes, growth)

    def accept(self, draft: Draft) -> None:
        """Take over a draft that was committed."""
        self._seen.update(draft.counts)
        for (slot, job_type), runs in draft.slots.items():
            self._slots.setdefault(slot, {})[job_type] = runs
        self._stored.update(draft.minutes)
        for key in draft.growth:
            self._counted[key] = self._stored[key]
        self._unsettled.clear()

    def forget_before(self, minute: int) -> None:
        """Drop what no poll reads again."""
        first_slot = minute * self.per_minute
        self._seen = {slot: rows for slot, rows in self._seen.items() if slot >= first_slot}
        self._slots = {slot: runs for slot, runs in self._slots.items() if slot >= first_slot}
        self._counted = {key: runs for key, runs in self._counted.items() if key[0] >= minute}
        self._stored = {key: runs for key, runs in self._stored.items() if key[0] >= minute}

    def _touched(self, slots: Collection[Key]) -> set[Key]:
        return {(slot // self.per_minute, job_type) for slot, job_type in slots}

    def _sum_of_slots(self, key: Key, fresh: Mapping[Key, Runs]) -> Runs:
        minute, job_type = key
        first = minute * self.per_minute
        parts = (
            fresh.get((slot, job_type)) or self._slots.get(slot, {}).get(job_type)
            for slot in range(first, first + self.per_minute)
        )
        return Runs.total(part for part in parts if part is not None)


_NOTHING = Runs()


def ranges(changed: Mapping[int, int]) -> list[tuple[int, int]]:
    """Group slots into ranges ``[first, last]`` to be read by one statement each.

    Unbroken ranges of at most ``ROWS_PER_RANGE`` rows; where gaps would make more than ``MAX_RANGES``, gaps are read
    too, which costs time and changes nothing.
    """
    apart = _grouped(changed, over_gaps=False)
    return apart if len(apart) <= MAX_RANGES else _grouped(changed, over_gaps=True)


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
