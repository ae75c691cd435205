"""What can be configured of the control API. Its own checks of how values fit together stand in its settings."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from jobqueue.config.values import STRICT, duration, number, once, switch

Network = IPv4Network | IPv6Network

LISTS = ("auth", "origins", "trusted_proxies")
"""Keys whose list may also be one text with commas."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def _split(value: str) -> SplitResult:
    parts = urlsplit(value)
    plain = value.isascii() and value.isprintable() and not set(value) & set(' "<>\\^`{|}')
    if not plain or parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not a web address")
    if parts.port == 0:  # asking for it raises ValueError when it's no port
        raise ValueError("not a port")
    return parts


def _service(value: str) -> str:
    parts = _split(value)
    if parts.query or parts.fragment:
        raise ValueError("more than an address")
    return value.rstrip("/")


def _origin(value: str) -> str:
    parts = _split(value)
    if f"{parts.scheme}://{parts.netloc}".lower() != value.lower():
        raise ValueError("more than an origin")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = parts.port in (None, _DEFAULT_PORTS[parts.scheme])  # browsers leave it out
    return f"{parts.scheme}://{host}" + ("" if usual else f":{parts.port}")


def _page(value: str) -> str:
    # Two slashes would lead to another host, and so would a backslash, which browsers take for one.
    _split(value if "://" in value else f"http://host{value}")
    if value.startswith("//") or not value.startswith(("/", "http://", "https://")):
        raise ValueError("not a page")
    return value


def _network(value: object) -> object:
    if isinstance(value, int):  # which would be taken for an address
        raise ValueError("not a network")
    return ip_network(value) if isinstance(value, str) else value


Age = Annotated[
    timedelta,
    Field(gt=timedelta(0), le=timedelta(days=3650), description="seconds above 0, or a text such as '15 minutes'"),
    BeforeValidator(duration),
]
"""How old a row must be; at most ten years."""


@dataclass(frozen=True, slots=True, config=STRICT)
class Janitor:
    """How often the janitor runs by itself, and how old rows must be for it.

    ``every`` None is every 15 minutes for the engine ``ascent`` and never for the others; 0 is never for all of them.
    """

    every: Annotated[
        timedelta | None,
        Field(ge=timedelta(0), le=timedelta(days=1), description="seconds or a text such as '15 minutes', 0 for never"),
        BeforeValidator(duration),
    ] = None
    fail_active_after: Age = timedelta(minutes=15)
    cancel_pending_after: Age = timedelta(hours=1)
    delete_completed_after: Age = timedelta(hours=1)
    delete_failed_after: Age = timedelta(days=7)
    reap_workers_after: Age = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, config=STRICT)
class ControlSettings:
    """Where the control API serves, whom it lets in, where its links lead.

    By default only this machine reaches it, and nobody has a token yet.
    """

    host: Annotated[str, Field(min_length=1, description="a host name or address")] = "127.0.0.1"
    port: Annotated[
        int,
        Field(strict=True, ge=0, le=65535, description="a port, 1 to 65535, or 0 for any free one"),
        BeforeValidator(number),
    ] = 9811
    base_path: Annotated[
        str,
        Field(
            pattern=r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$",
            max_length=200,
            description="a path such as /control, with a slash before it and none behind",
        ),
    ] = "/control"
    auth: Annotated[
        tuple[Literal["grafana", "token", "loopback"], ...],
        Field(min_length=1, description="a list of at least one of grafana, token, loopback, each once"),
        AfterValidator(once()),
    ] = ("token",)
    grafana_url: Annotated[
        str | None,
        Field(description="where this program reaches Grafana, such as http://grafana:3000"),
        AfterValidator(lambda value: _service(value) if value else value),
    ] = None
    grafana_cookie: Annotated[
        str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$", description="the name of a cookie")
    ] = "grafana_session"
    grafana_team: Annotated[str | None, Field(min_length=1, description="the name of a team in Grafana")] = None
    grafana_org: Annotated[
        int, Field(strict=True, ge=1, description="the number of the organization in Grafana that has the team")
    ] = 1
    origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...],
        Field(description="a list of origins as the browser has them, such as https://grafana.example.org, each once"),
        AfterValidator(once()),
    ] = ()
    trusted_proxies: Annotated[
        tuple[Annotated[Network, BeforeValidator(_network)], ...],
        Field(description="a list of addresses or networks such as 10.0.0.0/8, each once"),
        AfterValidator(once()),
    ] = ()
    read_only: Annotated[bool, Field(strict=True, description="true or false"), BeforeValidator(switch)] = False
    dashboard_url: Annotated[
        str, Field(description="a path such as /d/system-status-jobs, or a web address"), AfterValidator(_page)
    ] = "/d/system-status-jobs"
    email_queue_url: Annotated[
        str | None,
        Field(description="a path such as /admin/emails, or a web address"),
        AfterValidator(lambda value: _page(value) if value else value),
    ] = None
    janitor: Annotated[
        Janitor,
        Field(
            description="a mapping with every, fail_active_after, cancel_pending_after, delete_completed_after, "
            "delete_failed_after, reap_workers_after"
        ),
    ] = Janitor()
    batch: Annotated[int, Field(strict=True, ge=1, le=100_000, description="a whole number, 1 to 100000")] = 1000
