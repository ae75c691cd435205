"""What the application holds."""

from aiohttp import web

from preview.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
