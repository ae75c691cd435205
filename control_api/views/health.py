"""What machines ask: does the process live, can it act, what has it done. Open to everybody, so it names no details."""

from aiohttp import web

from control_api.auth import public
from control_api.keys import DESK, METRICS


@public
async def healthz(request: web.Request) -> web.Response:
    """Say that the process lives."""
    return web.Response(text="ok\n")


@public
async def readyz(request: web.Request) -> web.Response:
    """Say whether every source can be asked; why one can't is in the log."""
    unready = [name for name, reason in (await request.app[DESK].ready()).items() if reason is not None]
    text = f"can't be asked: {', '.join(unready)}\n" if unready else "ok\n"
    return web.Response(text=text, status=503 if unready else 200)


@public
async def metrics(request: web.Request) -> web.Response:
    """Serve the metrics, as text or OpenMetrics by ``Accept``."""
    body, content_type = await request.app[METRICS].page(request.headers.get("Accept", ""))
    return web.Response(body=body, headers={"Content-Type": content_type, "Vary": "Accept"})
