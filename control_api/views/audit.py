"""The log of what was done, and each of its entries."""

from collections.abc import Mapping, Sequence

from aiohttp import web

from control_api import audit
from control_api.accept import wants_html
from control_api.actions import Action, step_names
from control_api.audit import AuditEntry
from control_api.desk import Desk
from control_api.keys import DESK, LINKS
from control_api.links import entry_name, read_entry_name
from control_api.problems import NotFound, Unprocessable
from control_api.views.documents import entry_document
from control_api.views.history import history
from control_api.views.order import storable
from control_api.views.pages import data, page

REPLAYED = "replayed"
"""Stands in the query where the order was made before."""
_A_PAGE = 50


async def log(request: web.Request) -> web.Response:
    """List what was done, newest first, filtered by the query: ``source``, ``action``, ``actor``, ``before``."""
    desk, links = request.app[DESK], request.app[LINKS]
    filters = {name: request.query[name] for name in ("source", "action", "actor") if request.query.get(name)}
    found = await history(
        desk,
        _sources(desk, filters.get("source")),
        action=_action(filters.get("action")),
        actor=_actor(filters.get("actor")),
        before=_before(request.query.get("before")),
        limit=_A_PAGE,
    )
    following = None
    if found.after is not None:
        begins = ",".join(entry_name(source, action_id) for source, action_id in found.after.items())
        following = links.log(filters | {"before": begins})
    if wants_html(request):
        return await page(
            request,
            "log.html.j2",
            entries=found.entries,
            unread=found.unread,
            following=following,
            filters=filters,
            sources=list(desk.sources),
            actions=list(Action),
        )
    return data(
        {
            "entries": [entry_document(entry, links) for entry in found.entries],
            "next": following,
            "unread": found.unread,
        }
    )


async def entry(request: web.Request) -> web.Response:
    """Show one action with what has come of it so far."""
    name = read_entry_name(request.match_info["id"])
    if name is None:
        raise NotFound("the log has no such entry")
    desk = request.app[DESK]
    found = await desk.entry(*name)
    if wants_html(request):
        known = found.action in desk.actions(found.source)
        return await page(
            request,
            "entry.html.j2",
            entry=found,
            untouched=[step for step in _steps(desk, found) if step not in dict(found.steps)],
            again=known and found.state in (audit.FAILED, audit.INTERRUPTED),
            replayed=REPLAYED in request.query,
        )
    return data(entry_document(found, request.app[LINKS]))


def _steps(desk: Desk, entry: AuditEntry) -> Sequence[str]:
    """What an action consists of; nothing where this version doesn't know it."""
    if not isinstance(entry.action, Action):
        return ()
    return step_names(entry.action, desk.sources[entry.source].engine.control.cleanups) or ("queued",)


def _sources(desk: Desk, name: str | None) -> list[str]:
    if name is None:
        return list(desk.sources)
    if name not in desk.sources:
        raise NotFound(f"there is no source {name!r}; there are: {', '.join(desk.sources)}")
    return [name]


def _action(name: str | None) -> Action | None:
    if name is not None and name not in list(Action):
        raise Unprocessable(f"there is no action {name!r}; there are: {', '.join(Action)}")
    return Action(name) if name is not None else None


def _actor(name: str | None) -> str | None:
    if name is not None and not storable(name):
        raise Unprocessable("no actor has such a name")
    return name


def _before(names: str | None) -> Mapping[str, int] | None:
    if not names:
        return None
    entries = [read_entry_name(name) for name in names.split(",")]
    if None in entries:
        raise Unprocessable("before has to be the id of an entry, such as main-17, or several with commas")
    return dict(entry for entry in entries if entry is not None)
