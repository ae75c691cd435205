"""Which job types a source has, and under which label each is shown."""

from collections.abc import Callable, Iterable
from math import inf
from time import monotonic

from exporter.counting.day import Growth
from jobqueue.bounds import JOB_TYPES_BESIDE, LABEL_BYTES, OTHER
from jobqueue.engine import Room

KEPT_SECONDS = 26 * 3600.0
"""So long after it was last found a type keeps its place: longer than its runs stand in the 24-hour figures."""

_STANDS_STILL_AFTER = 3600.0
"""Seconds without any read that count at most: while nothing can be read, nobody is seen."""
_REMEMBERED = 100
"""Times the limit: so many folded types are told apart."""
_SINCE_START = "runs"
"""The collector that shows a type as long as it has counters: that is no sign of life."""


class JobTypes:
    """Hands out labels, first come, first served, up to a limit; the rest share ``__other__``.

    A type keeps its label while it lives, for a counter must not change its series. When there is no room for another,
    a type that hasn't been found for ``KEPT_SECONDS`` gives its place away; *gave_up* hear of that. Labels are repeated
    by some hundred series each, so there is a limit also to the bytes of all together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.gave_up: list[Callable[[str], object]] = []
        self._places: dict[str, float] = {}
        """Who has a label, and when it was found last; never yet when its place is on trial."""
        self._bytes_left = LABEL_BYTES * max(limit, JOB_TYPES_BESIDE)
        self._none_ends_before = -inf
        self._folded: dict[int, float] = {}
        """The hashes of those without a label, and when they were found last, in that order."""
        self._others: dict[str, int] = {}
        self._seen: dict[str, frozenset[str]] = {}
        self._time, self._looked_at = 0.0, monotonic()

    def label(self, job_type: str) -> str:
        """The label of a job type that was found now; a new one takes a place while there are any."""
        self._folded.pop(hash(job_type), None)
        if job_type in self._places:
            self._places[job_type] = self._now()
        return self.label_again(job_type)

    def label_again(self, job_type: str) -> str:
        """The label of a job type that may have ended a day ago: one that is known isn't taken for alive by that."""
        if job_type == OTHER or self._places.get(job_type, -inf) > -inf or self._take_place(job_type):
            return job_type
        # A queue that puts ids into its job types must not fill the memory either.
        if hash(job_type) not in self._folded and len(self._folded) == _REMEMBERED * self._limit:
            del self._folded[next(iter(self._folded))]
        self._folded.setdefault(hash(job_type), self._now())
        return OTHER

    def try_place(self, job_type: str) -> None:
        """Have a free place for a type of which old runs alone are known, until another needs it."""
        if job_type != OTHER and job_type not in self._places and self._has_room(job_type):
            self._put(job_type, -inf)

    def has_place(self, job_type: str) -> bool:
        """Whether a type has a label of its own."""
        return job_type in self._places

    def add(self, growth: Iterable[Growth]) -> None:
        """Hear of what the tally counted: who ran is alive."""
        now = self._now()
        for _, job_type, _ in growth:
            if job_type in self._places:
                self._places[job_type] = now

    @property
    def room(self) -> Room:
        """Which types are to be read by their names: at least all that have a label, or are to have one."""
        return Room(self._places.keys(), self._limit + JOB_TYPES_BESIDE)

    def see(self, collector: str, labels: Iterable[str], others: Iterable[int] = ()) -> None:
        """Note under which labels a collector found something; they stay when its next read fails.

        *others* are how many types the database had added up before they came here.
        """
        self._seen[collector] = frozenset(labels)
        self._others[collector] = max(others, default=0)
        self._refresh(collector)

    @property
    def known(self) -> list[str]:
        """The labels that are filled with zeros, sorted."""
        return sorted(frozenset().union(*self._seen.values()))

    @property
    def folded(self) -> int:
        """How many types share ``__other__`` that were found within ``KEPT_SECONDS``.

        At least so many, where the database has added up some of them.
        """
        now = self._now()
        while self._folded and now - self._folded[first := next(iter(self._folded))] > KEPT_SECONDS:
            del self._folded[first]
        return len(self._folded) + max(self._others.values(), default=0)

    def _take_place(self, job_type: str) -> bool:
        now = self._now()
        if job_type in self._places:  # on trial, until now
            self._places[job_type] = now
            return True
        self._make_room(job_type, now)
        if not self._has_room(job_type):
            return False
        self._put(job_type, now)
        return True

    def _put(self, job_type: str, found_at: float) -> None:
        self._folded.pop(hash(job_type), None)
        self._places[job_type] = found_at
        self._bytes_left -= len(job_type.encode())
        self._none_ends_before = min(self._none_ends_before, found_at + KEPT_SECONDS)

    def _has_room(self, job_type: str) -> bool:
        return len(self._places) < self._limit and len(job_type.encode()) <= self._bytes_left

    def _make_room(self, job_type: str, now: float) -> None:
        """Take places from those that haven't been found for longest, as far as need be."""
        if self._has_room(job_type) or now <= self._none_ends_before:
            return
        for collector in self._seen:
            self._refresh(collector)
        for other, found_at in sorted(self._places.items(), key=lambda place: place[1]):
            self._none_ends_before = found_at + KEPT_SECONDS
            if now <= self._none_ends_before or self._has_room(job_type):
                break
            del self._places[other]
            self._bytes_left += len(other.encode())
            for give_up in self.gave_up:
                give_up(other)

    def _refresh(self, collector: str) -> None:
        """What a collector shows is alive, also where its reads fail for long."""
        if collector != _SINCE_START:
            now = self._now()
            self._places.update(dict.fromkeys(self._seen[collector] & self._places.keys(), now))

    def _now(self) -> float:
        """Seconds in which something was read."""
        at = monotonic()
        self._time += min(at - self._looked_at, _STANDS_STILL_AFTER)
        self._looked_at = at
        return self._time
