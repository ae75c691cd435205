"""What the handlers find in the application."""

from aiohttp import web

from control_api.desk import Desk
from control_api.links import Links
from control_api.metrics import ControlMetrics
from control_api.settings import ControlSettings

DESK = web.AppKey("desk", Desk)
SETTINGS = web.AppKey("settings", ControlSettings)
METRICS = web.AppKey("metrics", ControlMetrics)
LINKS = web.AppKey("links", Links)
"""Set with the routes, as are the metrics."""
