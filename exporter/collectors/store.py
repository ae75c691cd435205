"""Whether what is counted can be kept."""

from exporter.counting.store import RunStore
from exporter.samples import Samples
from exporter.trouble import ExplainedError
from jobqueue.reasons import Reason


class NotKeptError(ExplainedError):
    """Counted runs live in this process only, and end with it."""


class StoreCollector:
    """Reads nothing: it says in the collector series whether the tally's store can be written."""

    name = "store"
    share = 1.0

    def __init__(self, store: RunStore) -> None:
        self._store = store

    async def collect(self) -> Samples:
        """Fail while rows can't be written, or nobody knows yet."""
        if not self._store.was_asked:
            raise NotKeptError("nothing has been counted yet, see collector runs", Reason.OTHER)
        if self._store.failure is not None:
            raise NotKeptError(self._store.failure, self._store.reason)
        return ()
