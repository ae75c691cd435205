"""What every answer tells the browser: run nothing, load nothing from elsewhere, keep nothing, show it in no frame."""

from aiohttp import web

from jobqueue.serving import SERVER

_CONTENT = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": _CONTENT,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers would then send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": SERVER,
}
"""What no handler can change."""
_NOT_KEPT = "no-store"
BY_ITSELF = {**ALWAYS, "Cache-Control": _NOT_KEPT}
"""For an answer that no handler made."""


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add them to whatever is about to be sent; only how long it may be kept is a handler's to say."""
    response.headers.update(ALWAYS)
    response.headers.setdefault("Cache-Control", _NOT_KEPT)
