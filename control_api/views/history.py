"""The logs of several sources, read as one."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge

from control_api.actions import Action
from control_api.audit import AuditEntry
from control_api.desk import Desk
from control_api.problems import Problem


@dataclass(frozen=True, slots=True)
class History:
    """Entries of several logs, newest first."""

    entries: Sequence[AuditEntry]
    after: Mapping[str, int] | None
    """From which id on each source's log goes on; None at the end."""
    unread: Mapping[str, str]
    """Sources that can't be read, each with the reason."""


async def history(
    desk: Desk,
    sources: Iterable[str],
    *,
    action: Action | None = None,
    actor: str | None = None,
    but: str | None = None,
    before: Mapping[str, int] | None = None,
    limit: int,
) -> History:
    """Read at most *limit* entries that aren't by the actor *but*; *before* is where an earlier page said it goes on.

    A source that can't be read takes nothing from the others.
    """
    begins = dict(before or {})
    names = list(sources)
    # One more than is shown tells whether there is another page.
    logs = await asyncio.gather(
        *(
            _read(desk.entries(name, action=action, actor=actor, but=but, before_id=begins.get(name), limit=limit + 1))
            for name in names
        )
    )
    read = {name: log for name, log in zip(names, logs, strict=True) if not isinstance(log, Problem)}
    unread = {name: log.detail for name, log in zip(names, logs, strict=True) if isinstance(log, Problem)}
    # Merged, not sorted: each log stays in the order of its ids, by which the next page goes on.
    together = list(merge(*read.values(), key=_begun, reverse=True))
    shown = together[:limit]
    after = begins | {name: last.id for name in read if (last := _last(shown, name)) is not None}
    return History(shown, after if len(together) > limit else None, unread)


async def at_work(desk: Desk) -> Sequence[AuditEntry]:
    """What is at work on the sources that can be read, newest first."""
    logs = await asyncio.gather(*(_read(desk.at_work(name)) for name in desk.sources))
    entries = (entry for log in logs if not isinstance(log, Problem) for entry in log)
    return sorted(entries, key=_begun, reverse=True)


async def _read(log: Awaitable[Sequence[AuditEntry]]) -> Sequence[AuditEntry] | Problem:
    try:
        return await log
    except Problem as problem:
        return problem


def _begun(entry: AuditEntry) -> datetime:
    """When it began: where nobody knows, it is shown first."""
    return entry.at or entry.read_at


def _last(entries: Sequence[AuditEntry], source: str) -> AuditEntry | None:
    return next((entry for entry in reversed(entries) if entry.source == source), None)
