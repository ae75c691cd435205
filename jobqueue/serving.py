"""Serves web applications: what arrives and isn't HTTP is answered, and neither logged nor sent back.

aiohttp alone logs what it can't read with the bytes themselves, a credential among them (aio-libs/aiohttp#9882), quotes
it in its answer and names itself and Python.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web

from jobqueue.logs import places

log = structlog.get_logger()

SERVER = "system-status"
"""The ``Server`` header of every answer: no software and no version."""

Refusal = Callable[[int], web.Response]
"""Makes the answer with a status to what no application can be asked about."""


class Runner(web.AppRunner):
    """Runs an application as ``web.AppRunner`` does; bodies stay packed as they came, and no access is logged."""

    def __init__(self, app: web.Application, refusal: Refusal, shutdown_timeout: float) -> None:
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_timeout, auto_decompress=False)
        self._refusal = refusal

    async def setup(self) -> None:
        """Get ready to serve; from now on the loop's own complaints are logged without values, too."""
        asyncio.get_running_loop().set_exception_handler(_failed_callback)
        await super().setup()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made, self._refusal, self._kwargs)


class _Server(web.Server):
    def __init__(self, like: web.Server, refusal: Refusal, options: dict[str, Any]) -> None:
        super().__init__(like.request_handler, request_factory=like.request_factory, **options)
        self._refusal = refusal

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self._refusal, self._loop, self._kwargs)


class _Connection(web.RequestHandler):
    """One client; everything that aiohttp would log or answer by itself goes through here."""

    __slots__ = ("_refusal",)

    def __init__(
        self, server: web.Server, refusal: Refusal, loop: asyncio.AbstractEventLoop, options: dict[str, Any]
    ) -> None:
        super().__init__(server, loop=loop, **options)
        self._refusal = refusal

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if status < 500:
            log.warning("message.unreadable", client=request.remote, error=type(exc).__name__)
        elif exc is not None:
            self.log_exception("request.failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        answer = self._refusal(status)
        answer.force_close()
        return answer

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if isinstance(resp, web.HTTPExpectationFailed):  # its text quotes the header
            resp = self._refusal(resp.status)
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *args: object, exc_info: BaseException | None = None, **more: object) -> None:
        if exc_info is not None:
            log.error("request.failed", error=type(exc_info).__qualname__, frames=places(exc_info))
        else:
            log.error("request.failed")

    def log_debug(self, *args: object, **more: object) -> None:
        """Nothing: who left early is no event of ours."""


def _failed_callback(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    what = str(context.get("message", "")).partition("(")[0]  # behind it are values
    if isinstance(error, BaseException):
        log.error("loop.failed", what=what, error=type(error).__qualname__, frames=places(error))
    else:
        log.error("loop.failed", what=what)
