"""Which job types a source has, and under which label each is shown."""

from collections.abc import Iterable

OTHER = "__other__"


class JobTypes:
    """Hands out labels, first come, first served, up to a limit; the rest share ``__other__``.

    A type keeps its label as long as the process lives: a counter must not change its series.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._labels: dict[str, str] = {}
        self._folded: set[str] = set()
        self._seen: dict[str, frozenset[str]] = {}

    def label(self, job_type: str) -> str:
        """The label of a job type; a new one takes a place while there are any."""
        known = self._labels.get(job_type)
        if known is not None:
            return known
        if len(self._labels) < self._limit:
            self._labels[job_type] = job_type
            return job_type
        # A queue that puts ids into its job types must not fill the memory either.
        if len(self._folded) < 100 * self._limit:
            self._folded.add(job_type)
        return OTHER

    def see(self, collector: str, labels: Iterable[str]) -> None:
        """Note under which labels a collector found something; they stay when its next read fails."""
        self._seen[collector] = frozenset(labels)

    @property
    def known(self) -> list[str]:
        """The labels that are filled with zeros, sorted."""
        return sorted(frozenset().union(*self._seen.values()))

    @property
    def folded(self) -> int:
        """How many types share ``__other__``."""
        return len(self._folded)
