"""The first page: what can be done, what is being done, what was done lately."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiohttp import web

from control_api import audit
from control_api.accept import wants_html
from control_api.actions import Action
from control_api.auth import ACTOR
from control_api.desk import Desk
from control_api.keys import DESK, LINKS
from control_api.links import Links
from control_api.problems import Problem
from control_api.views.documents import Document, action_document, entry_document, schedule_document
from control_api.views.history import at_work, history
from control_api.views.pages import data, page
from jobqueue.rows import Listed, ScheduleRow

_LATEST = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A source with its recurring jobs; ``problem`` is why there are none to see."""

    name: str
    read_only: bool
    actions: Mapping[Action, str]
    """What may be done, by who asks and with the source's engine; and what that does."""
    schedules: Listed[ScheduleRow]
    problem: str | None


async def index(request: web.Request) -> web.Response:
    """Show every source, whether its database answers or not."""
    desk, links, allowed = request.app[DESK], request.app[LINKS], request[ACTOR].allowed
    sources, lately, running = await asyncio.gather(
        asyncio.gather(*(_look(desk, name, allowed) for name in desk.sources)),
        history(desk, desk.sources, but=audit.BY_ITSELF, limit=_LATEST),
        at_work(desk),
    )
    latest = lately.entries
    if wants_html(request):
        rounds = links.log({"actor": audit.BY_ITSELF})
        return await page(request, "index.html.j2", sources=sources, latest=latest, running=running, rounds=rounds)
    return data(
        {
            "sources": await asyncio.to_thread(lambda: [_source_document(source, links) for source in sources]),
            "running": [entry_document(entry, links) for entry in running],
            "latest": [entry_document(entry, links) for entry in latest],
        }
    )


def _source_document(source: Shown, links: Links) -> Document:
    return {
        "source": source.name,
        "read_only": source.read_only,
        "problem": source.problem,
        "actions": [action_document(source.name, action, does, links) for action, does in source.actions.items()],
        "schedules": [schedule_document(row, source.name, links) for row in source.schedules.rows],
        "more_schedules": source.schedules.more,
    }


async def _look(desk: Desk, name: str, allowed: Collection[str]) -> Shown:
    read_only = desk.sources[name].read_only
    actions = {action: desk.what_it_does(name, action) for action in desk.actions(name) if action in allowed}
    try:
        rows = await desk.schedules(name)
    except Problem as problem:
        return Shown(name, read_only, actions, Listed(), problem.detail)
    return Shown(name, read_only, actions, rows, None)
