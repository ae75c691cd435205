"""What the exporter serves: the page, its health, and an index for people."""

from collections.abc import Iterator, Sequence
from html import escape
from http import HTTPStatus
from time import time

from aiohttp import web

from exporter.page import Page
from exporter.source import SourceMonitor
from jobqueue.serving import SERVER

_LATELY_INTERVALS = 4
_ALWAYS = {"Server": SERVER, "X-Content-Type-Options": "nosniff"}

_INDEX = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>System Status exporter</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }}
table {{ border-collapse: collapse }} th, td {{ padding: .25rem 1rem .25rem 0; text-align: left }}
.bad {{ color: #b3261e; font-weight: 600 }}
</style>
<h1>System Status exporter</h1>
<p><a href="metrics">metrics</a> · <a href="healthz">healthz</a> · <a href="readyz">readyz</a></p>
<table><tr><th>Source<th>Collector<th>State<th>Last read<th>Took<th>Every</tr>
{rows}</table></html>
"""


def create_app(page: Page, sources: Sequence[SourceMonitor]) -> web.Application:
    """Build the web application over what the pollers keep; it never asks a database."""

    async def metrics(request: web.Request) -> web.Response:
        rendered = await page.get(request.headers.get("Accept", ""))
        gzipped = "gzip" in request.headers.get("Accept-Encoding", "")
        headers = {"Content-Type": rendered.content_type, "Vary": "Accept, Accept-Encoding"}
        if gzipped:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=rendered.gzipped if gzipped else rendered.plain, headers=headers)

    async def healthz(request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(request: web.Request) -> web.Response:
        unread = [source.name for source in sources if not read_lately(source)]
        text = f"not read lately: {', '.join(unread)}\n" if unread else "ok\n"
        return web.Response(text=text, status=503 if unread else 200)

    async def index(request: web.Request) -> web.Response:
        rows = "\n".join(row for source in sources for row in _rows(source))
        return web.Response(text=_INDEX.format(rows=rows), content_type="text/html")

    app = web.Application()
    app.on_response_prepare.append(_add_headers)
    app.add_routes(
        [
            web.get("/", index),
            web.get("/metrics", metrics),
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
        ]
    )
    return app


def read_lately(source: SourceMonitor) -> bool:
    """Whether a source answers and at least one of its collectors succeeded within some intervals."""
    return source.up and time() - source.read_at < _LATELY_INTERVALS * source.interval


def unread(status: int) -> web.Response:
    """Answer a message that is no request."""
    return web.Response(status=status, text=f"{status}: {HTTPStatus(status).phrase}\n", headers=_ALWAYS)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_ALWAYS)


def _rows(source: SourceMonitor) -> Iterator[str]:
    for poller in source.pollers:
        state = "ok" if poller.samples is not None else '<span class="bad">failing</span>'
        last = f"{time() - poller.last_success:.0f} s ago" if poller.last_success else "never"
        took = f"{poller.duration * 1000:.0f} ms" if poller.duration is not None else ""
        cells = (escape(source.name), poller.name, state, last, took, f"{poller.interval:.0f} s")
        yield f"<tr>{''.join(f'<td>{cell}' for cell in cells)}</tr>"
