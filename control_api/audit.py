"""The log of admin actions: what was done, by whom, when, to how many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from psycopg.rows import dict_row
from psycopg.sql import Literal

from control_api.actions import Action
from control_api.problems import JustOrdered, RequestIdReused
from jobqueue import bounds, sql
from jobqueue.engine import Conn

_QUERIES = sql.load("control_api", "audit.sql", longest_note=Literal(bounds.TEXTS["note"]), **bounds.literals())

RUNNING, DONE, FAILED, INTERRUPTED = "running", "done", "failed", "interrupted"
BY_ITSELF = "system:janitor"
"""The actor of the janitor's own rounds. An index of the log has it by this name."""
LONGEST_REQUEST_ID = 600
"""Characters: a dashboard's button makes one of a job type's name, which may have 499."""
LARGEST_ENTRY = 2**63 - 1
"""The largest number of an entry."""
DOUBLE_CLICK = timedelta(seconds=5)
"""Of two presses of a button that are no further apart, the second is taken for a mistake."""


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody's wish, as it came in; ``shown_at`` is when the page was shown that asked for it."""

    source: str
    action: Action
    actor: str
    request_id: str
    job_type: str | None = None
    shown_at: datetime | None = None
    is_button: bool = False
    """Whether ``request_id`` is the name of a button, which is the same for each press."""
    follows: datetime | None = None
    """Of the janitor's own rounds: when the one before began."""

    @property
    def digest(self) -> str:
        """What a request id stands for: the same id for something else is refused."""
        asked = (self.source, str(self.action), self.job_type)
        return sha256(repr(asked if self.shown_at is None else (*asked, str(self.shown_at))).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An action and its outcome so far. ``state`` is running, done, failed or interrupted.

    The log may have rows that no version of ours wrote: a time is None where theirs is none.
    """

    id: int
    source: str
    action: Action | str
    """A text where this version doesn't know it."""
    actor: str
    at: datetime | None
    request_id: str
    job_type: str | None
    before: datetime | None
    state: str
    ended_at: datetime | None
    note: str | None
    """The id of the job that a run queued; why it failed."""
    steps: tuple[tuple[str, int], ...]
    """Names of steps in their order, and how many rows each has changed."""
    read_at: datetime = field(compare=False)
    """The moment of all this, by the database's clock."""
    replayed: bool = field(default=False, compare=False)
    """Whether it answers a request that was made before."""

    @property
    def changed(self) -> int:
        """How many rows were changed in all."""
        return sum(changed for _, changed in self.steps)


def press(button: str, newest: int) -> str:
    """Make the request id of a button's press from the entry of the press before; 0 where there is none."""
    return f"{button} after {newest}"


async def begin(conn: Conn, request: Request, before: datetime) -> tuple[int, bool]:
    """Write that an action begins; answers its id, and whether it is new.

    Raises ``RequestIdReused`` when the actor used the id for something else, ``JustOrdered`` for a double click.
    """
    values = {
        "source": request.source,
        "action": request.action,
        "actor": request.actor,
        "request_id": request.request_id,
        "request": request.digest,
        "job_type": request.job_type,
        "before": before,
    }
    if request.is_button:
        values["request_id"] = await _new_press(conn, request, values)
    row = await (await conn.execute(_QUERIES["begin"], values)).fetchone()
    if row is not None:
        return int(row[0]), True
    if request.is_button:  # another press was under way, and has committed by now
        raise JustOrdered(request.source, request.action.title, DOUBLE_CLICK)
    known = await (await conn.execute(_QUERIES["same_request"], values)).fetchone()
    if known is None or known[1] != request.digest:
        raise RequestIdReused(request.request_id)
    return int(known[0]), False


async def add_step(conn: Conn, action_id: int, step: str, changed: int) -> None:
    """Write what a batch changed."""
    await conn.execute(_QUERIES["add_step"], {"id": action_id, "step": step, "changed": changed})


async def end(conn: Conn, action_id: int, state: str, note: str | None = None) -> tuple[str, bool]:
    """Write how an action ended, unless it has an end; answers which it has, and whether it is new."""
    values = {"id": action_id, "step": state, "note": note}
    if await (await conn.execute(_QUERIES["add_end"], values)).fetchone():
        return state, True
    known = await (await conn.execute(_QUERIES["the_end"], values)).fetchone()
    return (str(known[0]) if known else state), False


async def entries(
    conn: Conn,
    *,
    ids: Sequence[int] | None = None,
    source: str | None = None,
    action: Action | None = None,
    actor: str | None = None,
    but: str | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> Sequence[AuditEntry]:
    """Read the log, newest first, without what the actor *but* did.

    The page after one ends with *before_id* at its last entry's id.
    """
    values = {
        "ids": ids,
        "source": source,
        "action": action,
        "actor": actor,
        "but": but,
        "before_id": before_id,
        "limit": limit,
    }
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_QUERIES["entries"], values)
        return [_entry(row) async for row in cursor]


async def unfinished(conn: Conn, source: str, *, ever: bool = False) -> Sequence[tuple[int, Action | str]]:
    """Find actions of the last days, or *ever*, without an end: running somewhere, or interrupted."""
    cursor = await conn.execute(_QUERIES["unfinished"], {"source": source, "ever": ever})
    return [(row[0], _action(row[1])) for row in await cursor.fetchall()]


async def last_begun(conn: Conn, source: str, action: Action, *, but_id: int | None = None) -> datetime | None:
    """Find when the newest of these actions began, but the one with an id."""
    values = {"source": source, "action": action, "but_id": but_id}
    row = await (await conn.execute(_QUERIES["last_begun"], values)).fetchone()
    return row[0] if row else None


async def last_done(conn: Conn, source: str, action: Action) -> datetime | None:
    """Find when the newest of these actions that came to its end did so."""
    row = await (await conn.execute(_QUERIES["last_done"], {"source": source, "action": action})).fetchone()
    return row[0] if row else None


async def check_readable(conn: Conn) -> None:
    """Check that the log and its leases can be read, even where rows hold nonsense. Raises ``psycopg.Error``."""
    await conn.execute(_QUERIES["readable"])


async def _new_press(conn: Conn, request: Request, values: Mapping[str, Any]) -> str:
    """Make a request id of a button's name: one that is new, but equal for presses at the same time."""
    found = await conn.execute(_QUERIES["same_button"], {**values, "within": DOUBLE_CLICK})
    newest, just_now = await found.fetchone() or (0, False)
    if just_now:
        raise JustOrdered(request.source, request.action.title, DOUBLE_CLICK)
    return press(request.request_id, newest)


def _action(name: str) -> Action | str:
    """The action of that name; the name itself where this version doesn't know it."""
    return Action(name) if name in list(Action) else name


def _entry(row: Mapping[str, Any]) -> AuditEntry:
    known = dict(row)
    names, changed = known.pop("step_names"), known.pop("step_changed")
    return AuditEntry(**{**known, "action": _action(known["action"])}, steps=tuple(zip(names, changed, strict=True)))
