"""The addresses of our own pages, as paths from the root of their host."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from control_api.actions import Action

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._~-]*", re.ASCII)
_NAME_OF_AN_ENTRY = re.compile(r"(?P<source>.+)-(?P<id>[0-9]{1,19})", re.ASCII | re.DOTALL)

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Links:
    """Paths below the configured *base*, which has no slash at its end."""

    base: str

    @property
    def index(self) -> str:
        """The page of all actions."""
        return f"{self.base}/"

    @property
    def description(self) -> str:
        """The OpenAPI document."""
        return f"{self.base}/openapi.json"

    def static(self, file: str) -> str:
        """What pages need besides themselves."""
        return f"{self.base}/static/{file}"

    def action(self, source: str, action: Action, job_type: str | None = None) -> str:
        """Where an action is asked about and ordered.

        A job type that isn't plain stands in the query: proxies and browsers make something else of escaped slashes
        and dots in a path.
        """
        if job_type is None:
            return f"{self.base}/{source}/{action}"
        if _PLAIN.fullmatch(job_type):
            return f"{self.base}/{source}/schedules/{job_type}/{action}"
        return f"{self.base}/{source}/{action}?job_type={quote(job_type, safe='')}"

    def entry(self, source: str, action_id: int) -> str:
        """One entry of the log."""
        return f"{self.base}/audit/{entry_name(source, action_id)}"

    def log(self, filters: Mapping[str, str] | None = None) -> str:
        """The log, newest first."""
        return f"{self.base}/audit" + (f"?{urlencode(filters)}" if filters else "")


def sign_in(dashboard: str) -> str:
    """Grafana's page to sign in, which then leads to the *dashboard*; that itself where it isn't Grafana's.

    Of the dashboard's address only the path is given on: no sign-in of ours leads away from Grafana.
    """
    place = urlsplit(dashboard)
    root, is_grafanas, _ = place.path.rpartition("/d/")
    if not is_grafanas:
        return dashboard
    return place._replace(path=f"{root}/login", query=urlencode({"redirectTo": place.path}), fragment="").geturl()


def entry_name(source: str, action_id: int) -> str:
    """What an entry is called outside, such as ``main-17``: every source has a log of its own."""
    return f"{source}-{action_id}"


def read_entry_name(name: str) -> tuple[str, int] | None:
    """Source and id of a name; None for what isn't one."""
    match = _NAME_OF_AN_ENTRY.fullmatch(name)
    return (match["source"], int(match["id"])) if match and int(match["id"]) <= _LARGEST_ID else None
