"""A small stand-in for Grafana: who is signed in with which cookie, and how it misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

User = dict[str, object]


def user(login: str, **facts: object) -> User:
    """As ``/api/user`` answers; what stands in *facts* differs from somebody who may nothing."""
    return {
        "id": 7,
        "email": f"{login}@example.org",
        "name": login.title(),
        "login": login,
        "theme": "",
        "orgId": 1,
        "isGrafanaAdmin": False,
        "isDisabled": False,
        "isExternal": False,
        "authLabels": [],
    } | facts


def team(name: str, org: int = 1) -> User:
    return {"id": 3, "orgId": org, "name": name, "email": "", "memberCount": 2}


class StandInGrafana:
    """Knows sessions by the value of their cookie."""

    def __init__(self) -> None:
        self.url = ""
        self.sessions: dict[str, User] = {}
        self.teams: list[User] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Paths with the headers that came along."""
        self.misbehave: Callable[[], Awaitable[web.Response]] | None = None

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, dict(request.headers)))
        if self.misbehave is not None:
            return await self.misbehave()
        known = self.sessions.get(request.headers.get("Cookie", "").removeprefix("grafana_session="))
        if known is None:
            return web.json_response({"message": "Unauthorized"}, status=401)
        return web.json_response(known if request.path == "/api/user" else self.teams)


@asynccontextmanager
async def stand_in_grafana() -> AsyncIterator[StandInGrafana]:
    grafana, app = StandInGrafana(), web.Application()
    app.add_routes([web.get("/api/user", grafana.answer), web.get("/api/user/teams", grafana.answer)])
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    grafana.url = str(server.make_url("")).rstrip("/")
    try:
        yield grafana
    finally:
        await server.close()


async def never() -> web.Response:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits that long")
