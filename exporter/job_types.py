"""Which job types a source has, and under which label each is shown."""

from collections.abc import Iterable

from jobqueue.bounds import JOB_TYPES_BESIDE, LABEL_BYTES, OTHER
from jobqueue.engine import Room

_REMEMBERED = 100
"""Times the limit: so many folded types are told apart."""


class JobTypes:
    """Hands out labels, first come, first served, up to a limit; the rest share ``__other__``.

    A type keeps its label as long as the process lives: a counter must not change its series. Labels are repeated by
    some hundred series each, so there is a limit also to the bytes of all together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._labels: dict[str, str] = {}
        self._bytes_left = LABEL_BYTES * max(limit, JOB_TYPES_BESIDE)
        self._folded: set[int] = set()
        self._others: dict[str, int] = {}
        self._seen: dict[str, frozenset[str]] = {}

    def label(self, job_type: str) -> str:
        """The label of a job type; a new one takes a place while there are any."""
        known = self._labels.get(job_type)
        if known is not None:
            return known
        if job_type == OTHER:
            return OTHER
        self._bytes_left -= len(job_type.encode())
        if len(self._labels) < self._limit and self._bytes_left >= 0:
            self._labels[job_type] = job_type
            return job_type
        # A queue that puts ids into its job types must not fill the memory either.
        if len(self._folded) < _REMEMBERED * self._limit:
            self._folded.add(hash(job_type))
        return OTHER

    @property
    def room(self) -> Room:
        """Which types are to be read by their names: at least all that have a label, or are to have one."""
        return Room(self._labels.keys(), self._limit + JOB_TYPES_BESIDE)

    def see(self, collector: str, labels: Iterable[str], others: Iterable[int] = ()) -> None:
        """Note under which labels a collector found something; they stay when its next read fails.

        *others* are how many types the database had added up before they came here.
        """
        self._seen[collector] = frozenset(labels)
        self._others[collector] = max(others, default=0)

    @property
    def known(self) -> list[str]:
        """The labels that are filled with zeros, sorted."""
        return sorted(frozenset().union(*self._seen.values()))

    @property
    def folded(self) -> int:
        """How many types share ``__other__``; at least so many where the database has added up some of them."""
        return len(self._folded) + max(self._others.values(), default=0)
