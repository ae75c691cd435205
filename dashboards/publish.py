"""Puts the classic dashboards into a Grafana, in a folder of which only admins see anything."""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import requests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, TokenAuth

from dashboards.build import TABBED, built

FOLDER_UID = "platform"
FOLDER_TITLE = "Platform"
TOKEN, TOKEN_FILE = "GRAFANA_TOKEN", "GRAFANA_TOKEN_FILE"  # names of variables
_TIMEOUT_SECONDS = 15.0
_NOT_FOUND = 404
_PROVISIONED = "provisioned dashboard"
"""Of what Grafana says, with the same status as of a dashboard that it can't read."""


class PublishError(Exception):
    """One line that says what keeps the dashboards from being published, and what to do."""


def token(environment: Mapping[str, str]) -> str:
    """The service account's token from the environment, or from the file that it names."""
    if path := environment.get(TOKEN_FILE):
        try:
            found = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise PublishError(f"{TOKEN_FILE}: can't be read: {error}") from None
    else:
        found = environment.get(TOKEN, "")
    if not found:
        raise PublishError(f"no token: give that of a service account with role Admin in {TOKEN} or {TOKEN_FILE}")
    return found


def publish(grafana: str, secret: str, say: Callable[[str], None]) -> None:
    """Make the folder where it is missing, limit it to admins, and upload; safe to run again. Raises PublishError."""
    parts = urlsplit(grafana)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PublishError(f"--grafana {grafana}: not a web address such as https://grafana.example.org")
    api = GrafanaApi.from_url(url=grafana, credential=TokenAuth(secret), timeout=_TIMEOUT_SECONDS)
    try:
        _limited_folder(api, say)
        for name, dashboard in built().items():
            if name == TABBED:  # whose API differs between Grafanas; it is provisioned or imported
                continue
            api.dashboard.update_dashboard({"dashboard": dashboard, "folderUid": FOLDER_UID, "overwrite": True})
            say(f"{dashboard['uid']}: uploaded")
    except GrafanaClientError as error:
        raise PublishError(_explained(grafana, error)) from None
    except GrafanaException as error:
        raise PublishError(f"{grafana}: {error.status_code}: {error.message}") from None
    except requests.RequestException as error:
        raise PublishError(f"{grafana}: can't be reached: {error}") from None


def _limited_folder(api: GrafanaApi, say: Callable[[str], None]) -> None:
    try:
        api.folder.get_folder(FOLDER_UID)
    except GrafanaClientError as error:
        if error.status_code != _NOT_FOUND:
            raise
        api.folder.create_folder(FOLDER_TITLE, uid=FOLDER_UID)
        say(f"folder {FOLDER_TITLE}: made")
    # The list replaces what Grafana grants a new folder, to viewers and editors. Admins need no entry.
    api.folder.update_folder_permissions(FOLDER_UID, {"items": []})
    say(f"folder {FOLDER_TITLE}: for admins only")


def _explained(grafana: str, error: GrafanaClientError) -> str:
    advice = {
        401: "the token isn't valid here",
        403: "the token may not do this: its service account needs the role Admin",
    }
    reason = advice.get(error.status_code)
    if _PROVISIONED in str(error.message):
        reason = "a dashboard of this uid is provisioned from files; remove it there, or publish nothing"
    return f"{grafana}: {error.status_code}: {error.message}" + (f": {reason}" if reason else "")
