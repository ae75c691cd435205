"""What the control API makes of its part of the configuration, and what it needs beyond single values."""

import sys
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from ipaddress import ip_address

from jobqueue.config import ConfigurationError, ControlSettings, Janitor, Settings, load
from jobqueue.config.errors import Place, called, shown
from jobqueue.config.load import names_of
from jobqueue.terminal import complain

__all__ = ["ControlSettings", "janitor_every", "load_control", "load_control_or_exit"]

_USUAL_RHYTHM = timedelta(minutes=15)


def load_control(environ: Mapping[str, str], engines: Collection[str]) -> tuple[Settings, ControlSettings]:
    """The settings that *environ* or its file gives, checked for what the control API can't start without.

    Raises ``ConfigurationError``.
    """
    settings = load(environ, engines)
    for key, allowed in _missing(settings.control):
        place: Place = ("control", key)
        found = shown(getattr(settings.control, key) or None)
        raise ConfigurationError(called(place, names_of(environ)), found, allowed)
    return settings, settings.control


def load_control_or_exit(
    environ: Mapping[str, str], engines: Collection[str], program: str
) -> tuple[Settings, ControlSettings]:
    """``load_control`` for an entry point: what is wrong goes to standard error as one line, the exit code is 2."""
    try:
        return load_control(environ, engines)
    except ConfigurationError as error:
        complain(f"{program}: {error}")
        sys.exit(2)


def janitor_every(janitor: Janitor, *, by_itself: bool) -> timedelta | None:
    """How often the janitor runs by itself; None for never, as for an engine where nobody asked for it."""
    if janitor.every is None:
        return _USUAL_RHYTHM if by_itself else None
    return janitor.every or None


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _missing(control: ControlSettings) -> Iterator[tuple[str, str]]:
    """Keys whose values don't go with ``auth``, and what does."""
    if "grafana" in control.auth and control.grafana_url is None:
        yield "grafana_url", "where this program reaches Grafana, such as http://grafana:3000, for auth has grafana"
    if "grafana" in control.auth and not control.origins:
        yield "origins", "where browsers see Grafana, such as https://grafana.example.org, for auth has grafana"
    if "loopback" in control.auth and not is_loopback(control.host):
        yield "host", "a loopback address such as 127.0.0.1, for auth has loopback"
