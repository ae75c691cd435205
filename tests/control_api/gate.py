"""A few tiny handlers behind everything that ``secure`` puts before them, served on a real port."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import ClientResponse, ClientSession, DummyCookieJar, web

from control_api.actions import Action
from control_api.auth import ACTOR, Actor, Authenticator, public, require
from control_api.security import MAX_BODY, REFUSALS, secure, unread
from control_api.settings import ControlSettings
from jobqueue.serving import Runner

ADMIN = Actor("grafana:ann", frozenset(Action), "grafana")
SCRIPT = Actor("token:ci", frozenset({Action.RUN, Action.JANITOR}), "token", bearer=True)
ORIGIN = "https://grafana.example.org"
FROM_OUR_PAGE = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


class Knows:
    """Takes everybody for the same actor."""

    hint = "be anybody"
    challenge = None

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    async def authenticate(self, request: web.Request) -> Actor | None:
        return self._actor

    async def close(self) -> None:
        pass


class Gate:
    """What a client sees of it, and what it counted."""

    def __init__(self, session: ClientSession, app: web.Application, port: int) -> None:
        self.session = session
        self._app = app
        self.port = port

    @property
    def refusals(self) -> dict[tuple[str, str], int]:
        return dict(self._app[REFUSALS].counts)

    async def get(self, path: str = "/control/", **headers: str) -> ClientResponse:
        return await self.send("GET", path, headers)

    async def post(
        self,
        path: str = "/control/main/janitor",
        headers: dict[str, str] | None = None,
        data: object = None,
        json: object = None,
    ) -> ClientResponse:
        return await self.send("POST", path, headers or {}, data, json)

    async def send(
        self, method: str, path: str, headers: dict[str, str], data: object = None, json: object = None
    ) -> ClientResponse:
        answer = await self.session.request(method, path, headers=headers, data=data, json=json, allow_redirects=False)
        await answer.read()
        return answer


async def look(request: web.Request) -> web.Response:
    return web.Response(text=request[ACTOR].name)


async def act(request: web.Request) -> web.Response:
    actor = require(request, Action(request.match_info["action"]))
    form = dict(await request.post())
    return web.json_response({"actor": actor.name, "form": {key: str(value) for key, value in form.items()}})


@public
async def healthz(request: web.Request) -> web.Response:
    return web.Response(text="ok")


@public
async def leave(request: web.Request) -> web.Response:
    raise web.HTTPFound("/elsewhere")


async def fail(request: web.Request) -> web.Response:
    row = "hunter2"
    raise ValueError(f"a payload: {row}")


@asynccontextmanager
async def gate(
    *authenticators: Authenticator,
    settings: ControlSettings | None = None,
    sources: Sequence[str] = ("main",),
    client_max_size: int = MAX_BODY,
) -> AsyncIterator[Gate]:
    """Serve; *settings* are those of a control API behind Grafana's origin unless given."""
    app = web.Application(client_max_size=client_max_size)
    app.add_routes(
        [
            web.get("/control/", look),
            web.post("/control/{source}/{action:janitor|fail-active}", act),
            web.get("/healthz", healthz),
            web.get("/platform/system-status", leave),
            web.get("/control/fail", fail),
        ]
    )
    secure(app, settings or ControlSettings(origins=(ORIGIN,)), authenticators, sources)
    runner = Runner(app, unread, shutdown_timeout=60)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with ClientSession(f"http://127.0.0.1:{port}", cookie_jar=DummyCookieJar()) as session:
            yield Gate(session, app, port)
    finally:
        await runner.cleanup()
