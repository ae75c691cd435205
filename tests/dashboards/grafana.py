"""A small stand-in for Grafana's API: folders, their permissions, dashboards and their versions."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from aiohttp import web

TOKEN = "glsa_good"
NEW_FOLDER = [
    {"role": "Viewer", "permission": 1, "permissionName": "View"},
    {"role": "Editor", "permission": 2, "permissionName": "Edit"},
]
SOURCES = [
    {"uid": "prometheus", "name": "Prometheus", "type": "prometheus"},
    {"uid": "queue", "name": "System Status queue", "type": "grafana-postgresql-datasource"},
]


@dataclass
class Stored:
    """A dashboard as Grafana keeps it: its JSON, where it is, and what was said with each version."""

    folder: str
    dashboard: dict[str, Any]
    versions: list[dict[str, Any]]
    provisioned: bool = False


@dataclass
class Grafana:
    """What it holds. *refuses* is the status and the message that every upload is answered with.

    *normalizes* adds to what it stores, as newer versions of Grafana do; *forbids* are paths that a token may not read.
    """

    address: str = ""
    path: str = ""
    folders: dict[str, str] = field(default_factory=dict)
    permissions: dict[str, list[Any]] = field(default_factory=dict)
    dashboards: dict[str, Stored] = field(default_factory=dict)
    refuses: tuple[int, str] | None = None
    normalizes: bool = False
    lists_versions: bool = False
    forbids: tuple[str, ...] = ()
    orders: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[str]:
        """What was asked of it beside reading."""
        return [order for order in self.orders if not order.startswith("GET ")]

    def save(self, uid: str, folder: str, dashboard: dict[str, Any], message: str, by: str) -> int:
        """A new version of a dashboard, as its own API or its editor makes it."""
        version = self.dashboards[uid].versions[-1]["version"] + 1 if uid in self.dashboards else 1
        saved = {"version": version, "message": message, "createdBy": by}
        versions = [*(self.dashboards[uid].versions if uid in self.dashboards else []), saved]
        more = {"id": 7, "version": version} | ({"annotations": {"list": ["built in"]}} if self.normalizes else {})
        self.dashboards[uid] = Stored(folder, dashboard | more, versions)
        return version

    def edited(self, uid: str, **changes: Any) -> None:
        """Somebody saves a dashboard in the editor, without a word."""
        there = self.dashboards[uid]
        self.save(uid, there.folder, there.dashboard | changes, "", "jane")

    def app(self) -> web.Application:
        """Its routes, as Grafana has them, below its path."""
        api = web.Application(middlewares=[self._let_in])
        api.router.add_get("/health", self._health)
        api.router.add_get("/frontend/settings", self._settings)
        api.router.add_get("/datasources", self._sources)
        api.router.add_get("/folders/{uid}", self._folder)
        api.router.add_post("/folders", self._make_folder)
        api.router.add_get("/folders/{uid}/permissions", self._permitted)
        api.router.add_post("/folders/{uid}/permissions", self._permit)
        api.router.add_get("/dashboards/uid/{uid}", self._dashboard)
        api.router.add_get("/dashboards/uid/{uid}/versions", self._versions)
        api.router.add_post("/dashboards/db", self._upload)
        app = web.Application()
        app.add_subapp(f"{self.path}/api", api)
        return app

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Any) -> Any:
        path = request.path.removeprefix(self.path)
        self.orders.append(f"{request.method} {path}")
        if path != "/api/health" and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "Invalid API key"}, status=401)
        if path in self.forbids:
            return web.json_response({"message": "Access denied"}, status=403)
        return await handler(request)

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"database": "ok", "version": "13.2.3", "commit": "x"})

    async def _settings(self, _: web.Request) -> web.Response:
        return web.json_response({"appUrl": "https://grafana.example.org/"})

    async def _sources(self, _: web.Request) -> web.Response:
        return web.json_response(SOURCES)

    async def _folder(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        if uid not in self.folders:
            return web.json_response({"message": "folder not found"}, status=404)
        return web.json_response({"uid": uid, "title": self.folders[uid]})

    async def _make_folder(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        self.folders[wanted["uid"]] = wanted["title"]
        self.permissions[wanted["uid"]] = NEW_FOLDER
        return web.json_response(wanted)

    async def _permitted(self, request: web.Request) -> web.Response:
        return web.json_response(self.permissions[request.match_info["uid"]])

    async def _permit(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        inherited = [one for one in self.permissions[uid] if one.get("inherited")]
        self.permissions[uid] = inherited + (await request.json())["items"]
        return web.json_response({"message": "Folder permissions updated"})

    async def _dashboard(self, request: web.Request) -> web.Response:
        there = self.dashboards.get(request.match_info["uid"])
        if there is None:
            return web.json_response({"message": "Dashboard not found"}, status=404)
        meta = {"folderUid": there.folder, "provisioned": there.provisioned}
        return web.json_response({"dashboard": there.dashboard, "meta": meta})

    async def _versions(self, request: web.Request) -> web.Response:
        versions = self.dashboards[request.match_info["uid"]].versions[::-1]
        return web.json_response(versions if self.lists_versions else {"continueToken": "", "versions": versions})

    async def _upload(self, request: web.Request) -> web.Response:
        if self.refuses is not None:
            status, message = self.refuses
            return web.json_response({"message": message}, status=status)
        wanted = await request.json()
        uid, dashboard = wanted["dashboard"]["uid"], wanted["dashboard"]
        there = self.dashboards.get(uid)
        if there is not None and there.provisioned:
            return web.json_response({"message": "Cannot save provisioned dashboard"}, status=400)
        if there is not None and not wanted["overwrite"] and dashboard["version"] != there.dashboard["version"]:
            refusal = {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
            return web.json_response(refusal, status=412)
        version = self.save(uid, wanted["folderUid"], dashboard, wanted["message"], "sa-1-system-status")
        return web.json_response({"uid": uid, "status": "success", "version": version})


@contextmanager
def serving(app: web.Application) -> Iterator[str]:
    """Serve it on a free port, from a thread, for the client under test blocks; answers the address."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    runner = web.AppRunner(app)

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    try:
        yield f"http://127.0.0.1:{asyncio.run_coroutine_threadsafe(start(), loop).result(10)}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def running(grafana: Grafana) -> Iterator[Grafana]:
    """Serve it; its address is that with its path."""
    with serving(grafana.app()) as address:
        grafana.address = f"{address}{grafana.path}"
        yield grafana
