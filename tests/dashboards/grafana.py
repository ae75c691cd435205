"""A small stand-in for Grafana's API: folders, their permissions, dashboards. It keeps what it was sent."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from aiohttp import web

TOKEN = "glsa_good"


@dataclass
class Grafana:
    """What it holds; *refuses* is the status and the message that every upload is answered with."""

    address: str = ""
    folders: dict[str, str] = field(default_factory=dict)
    permissions: dict[str, list[Any]] = field(default_factory=dict)
    dashboards: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    refuses: tuple[int, str] | None = None
    orders: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        """Its routes, as Grafana has them."""
        app = web.Application(middlewares=[self._let_in])
        app.router.add_get("/api/folders/{uid}", self._folder)
        app.router.add_post("/api/folders", self._make_folder)
        app.router.add_post("/api/folders/{uid}/permissions", self._permit)
        app.router.add_post("/api/dashboards/db", self._upload)
        return app

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Any) -> Any:
        self.orders.append(f"{request.method} {request.path}")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "Invalid API key"}, status=401)
        return await handler(request)

    async def _folder(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        if uid not in self.folders:
            return web.json_response({"message": "folder not found"}, status=404)
        return web.json_response({"uid": uid, "title": self.folders[uid]})

    async def _make_folder(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        self.folders[wanted["uid"]] = wanted["title"]
        self.permissions[wanted["uid"]] = [{"role": "Viewer", "permission": 1}, {"role": "Editor", "permission": 2}]
        return web.json_response(wanted)

    async def _permit(self, request: web.Request) -> web.Response:
        self.permissions[request.match_info["uid"]] = (await request.json())["items"]
        return web.json_response({"message": "Folder permissions updated"})

    async def _upload(self, request: web.Request) -> web.Response:
        if self.refuses is not None:
            status, message = self.refuses
            return web.json_response({"message": message}, status=status)
        wanted = await request.json()
        uid = wanted["dashboard"]["uid"]
        if uid in self.dashboards and not wanted["overwrite"]:
            return web.json_response({"message": "exists"}, status=412)
        self.dashboards[uid] = wanted["folderUid"], wanted["dashboard"]
        return web.json_response({"uid": uid, "status": "success"})


@contextmanager
def running(grafana: Grafana) -> Iterator[Grafana]:
    """Serve it on a free port, from a thread: the client under test blocks."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    runner = web.AppRunner(grafana.app())

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    try:
        grafana.address = f"http://127.0.0.1:{asyncio.run_coroutine_threadsafe(start(), loop).result(10)}"
        yield grafana
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
