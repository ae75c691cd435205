"""What one transaction reads of the finished runs of a source."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from exporter.counting.ledger import NONE, Draft, Ledger, ranges
from exporter.counting.times import SLOT_SECONDS, minute_of_slot, moment
from exporter.database import Database
from jobqueue.bounds import OTHER
from jobqueue.engine import Conn, QueueReader, Room, Span
from jobqueue.rows import MinuteRuns, NewRuns, SlotCount


class Reads:
    """Reads spans of a queue, and drafts what they change in a ledger."""

    def __init__(self, reader: QueueReader, queue: Database, room: Callable[[], Room]) -> None:
        self._reader = reader
        self._queue = queue
        self._room = room

    async def counts(self, span: Span) -> Mapping[int, SlotCount]:
        """Count the rows of a span by slot: cheap, and enough to see where something has changed."""
        async with self._queue.transaction() as conn:
            return await self._reader.slot_counts(conn, span)

    async def new(self, span: Span, ledger: Ledger) -> Draft:
        """Draft the ends that the ledger doesn't know, of those slots that have changed."""
        async with self._queue.transaction() as conn:
            counts = await self._reader.slot_counts(conn, span)
            changed = ledger.changed(counts)
            crowded = ledger.crowded(counts)
            full = {slot: rows for slot, rows in changed.items() if minute_of_slot(slot) in crowded}
            whole = await self._whole(conn, full, ledger, keep_ends=False) if full else NONE
            minutes: list[MinuteRuns] = []
            ends: dict[int, Sequence[int]] = {}
            others = {slot: rows for slot, rows in changed.items() if slot not in full}
            for first, last in ranges(others, over_gaps=not crowded):
                part = Span(moment(first, SLOT_SECONDS), moment(last + 1, SLOT_SECONDS), SLOT_SECONDS)
                counted = ledger.ends_between(first, last)
                found = await self._reader.new_runs(conn, part, self._room(), counted=counted, keep_ends=True)
                minutes += found.minutes
                ends |= found.ends
        return ledger.draft(counts, NewRuns(minutes, ends), whole)

    async def whole(self, span: Span, ledger: Ledger, *, keep_ends: bool) -> Draft:
        """Draft whole minutes, of which the ledger knows the figures but not the ends."""
        async with self._queue.transaction() as conn:
            counts = await self._reader.slot_counts(conn, span)
            rows = {slot: count.rows for slot, count in counts.items()}
            found = await self._whole(conn, rows, ledger, keep_ends=keep_ends)
        return ledger.draft(counts, whole=found)

    async def _whole(self, conn: Conn, rows: Mapping[int, int], ledger: Ledger, *, keep_ends: bool) -> NewRuns:
        by_minute: Counter[int] = Counter()
        for slot, number in rows.items():
            by_minute[minute_of_slot(slot)] += number
        minutes: list[MinuteRuns] = []
        ends: dict[int, Sequence[int]] = {}
        known = ledger.job_types
        for first, last in ranges(by_minute):
            part = Span(moment(first), moment(last + 1), SLOT_SECONDS)
            found = await self._reader.new_runs(conn, part, self._room_for(known), keep_ends=keep_ends)
            minutes += found.minutes
            ends |= found.ends
            known |= {row.job_type for row in found.minutes}
        return NewRuns(minutes, ends)

    def _room_for(self, known: set[str]) -> Room:
        """A type that was read by its name stays so; where some were added up, no new name comes out of that sum.

        Else a run would be counted twice: in the sum of a minute, and under its name when the minute is read again.
        """
        room = self._room()
        full = OTHER in known or len(known) > 2 * room.places
        return Room(known | set(room.known), 0 if full else room.places)
