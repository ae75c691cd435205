"""What a Grafana has of us: reads, and changes nothing."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dashboards.files import Json, classic, fingerprint
from dashboards.grafana_api import NOT_FOUND, Grafana, GrafanaError

FOLDER_UID, FOLDER_TITLE = "platform", "Platform"
_SIGNATURE = re.compile(r"System Status [0-9a-f]{12}")
_NEWEST = 10
_LEVELS = {1: "View", 2: "Edit", 4: "Admin"}
_FORBIDDEN = 403


class State(StrEnum):
    """What a dashboard in Grafana is, beside the file of this version."""

    ABSENT = "not there"
    UP_TO_DATE = "up to date"
    ANOTHER_VERSION = "published by another version of System Status"
    EDITED = "edited by hand, or published by a version that left no mark"
    PROVISIONED = "provisioned from files that differ from these"


@dataclass(frozen=True, slots=True)
class DataSource:
    """A data source of Grafana; *plugin* is its type, such as ``prometheus``."""

    uid: str
    name: str
    plugin: str


@dataclass(frozen=True, slots=True)
class Right:
    """Who may what with a folder: ``role Viewer`` and ``View``. Organization admins may everything, unnamed."""

    who: str
    may: str

    def __str__(self) -> str:
        return f"{self.who} ({self.may})"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of Grafana; ``rights`` are None where the token may not read them."""

    uid: str
    title: str
    rights: tuple[Right, ...] | None

    @property
    def others(self) -> tuple[Right, ...]:
        """The rights of others than admins: none where the folder is for admins only."""
        return tuple(right for right in self.rights or () if right.who != "role Admin")


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One of our dashboards; ``folder_uid`` is empty at the root, ``version`` Grafana's own number of it."""

    uid: str
    state: State
    folder_uid: str = ""
    version: int = 0
    edited_by: str = ""


@dataclass(frozen=True, slots=True)
class Installed:
    """What a Grafana has of us.

    ``version`` is Grafana's, empty where it hides that. ``browsers_address`` is what it takes for its own address
    (``root_url``): the buttons are sent there, and the links of alerts should lead there. It and ``data_sources`` are
    None where the token may not read them. ``plugins`` are the types of data sources that our dashboards need.
    """

    version: str
    browsers_address: str | None
    data_sources: tuple[DataSource, ...] | None
    plugins: tuple[str, ...]
    folder: Folder | None
    dashboards: tuple[Dashboard, ...]

    @property
    def missing_plugins(self) -> tuple[str, ...]:
        """Types of data sources that are needed and of which there is none; empty where that can't be read."""
        if self.data_sources is None:
            return ()
        there = {source.plugin for source in self.data_sources}
        return tuple(plugin for plugin in self.plugins if plugin not in there)


def installed(address: str, token: str, folder_uid: str = FOLDER_UID) -> Installed:
    """What the Grafana at *address* has of us, in the eyes of *token*; blocks up to 15 s a request.

    Raises GrafanaError where it can't be reached, isn't a Grafana, or doesn't take the token.
    """
    grafana = Grafana(address, token)
    ours = classic()
    return Installed(
        version=version(grafana),
        browsers_address=_browsers_address(grafana),
        data_sources=_data_sources(grafana),
        plugins=_plugins(ours.values()),
        folder=folder(grafana, folder_uid),
        dashboards=tuple(dashboard(grafana, one) for one in ours.values()),
    )


def signature(dashboard: Json) -> str:
    """What we write beside a version that we save, by which it is known again, whatever Grafana makes of its JSON."""
    return f"System Status {fingerprint(dashboard)}"


def version(grafana: Grafana) -> str:
    """Grafana's version, empty where it hides that. Raises GrafanaError where this isn't a Grafana that works."""
    return str(grafana.get("health", database="ok").get("version") or "")


def folder(grafana: Grafana, uid: str) -> Folder | None:
    """The folder and who may what with it, None where there is none."""
    try:
        found = grafana.get(f"folders/{uid}", uid=uid)
    except GrafanaError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    rights = _unless_forbidden(grafana, f"folders/{uid}/permissions")
    return Folder(uid, str(found.get("title", uid)), None if rights is None else tuple(map(_right, rights)))


def dashboard(grafana: Grafana, ours: Json) -> Dashboard:
    """What is there under the uid of one of *ours*."""
    uid = ours["uid"]
    try:
        found = grafana.get(f"dashboards/uid/{uid}")
    except GrafanaError as error:
        if error.status == NOT_FOUND:
            return Dashboard(uid, State.ABSENT)
        raise
    theirs, meta = _part(found, "dashboard"), _part(found, "meta")
    if theirs.get("uid") != uid:
        raise GrafanaError(f"{grafana.address}: answered without dashboard {uid}, so this isn't Grafana's API")
    state, edited_by = State.UP_TO_DATE, ""
    if fingerprint(theirs) != fingerprint(ours):
        if meta.get("provisioned"):
            state = State.PROVISIONED
        else:
            state, edited_by = _published(grafana, ours)
    return Dashboard(uid, state, str(meta.get("folderUid") or ""), _number(theirs.get("version")), edited_by)


def _published(grafana: Grafana, ours: Json) -> tuple[State, str]:
    """Whether the newest version is one that we saved: Grafana may store it with other defaults than we sent."""
    answer = _unless_forbidden(grafana, f"dashboards/uid/{ours['uid']}/versions?limit={_NEWEST}")
    # A list until Grafana 11, the part of a mapping since.
    newest = max(answer or (), key=lambda one: _number(one.get("version")), default={})
    message = str(newest.get("message") or "")
    if message == signature(ours):
        return State.UP_TO_DATE, ""
    if _SIGNATURE.fullmatch(message):
        return State.ANOTHER_VERSION, ""
    return State.EDITED, str(newest.get("createdBy") or "")


def _unless_forbidden(grafana: Grafana, path: str) -> list[Json] | None:
    """A list of mappings at that path, by itself or as ``versions``; None where the token may not read it."""
    try:
        found = grafana.get(path)
    except GrafanaError as error:
        if error.status in (_FORBIDDEN, NOT_FOUND):
            return None
        raise
    inner = found.get("versions") if isinstance(found, dict) else found
    if not isinstance(inner, list) or not all(isinstance(one, dict) for one in inner):
        raise GrafanaError(f"{grafana.address}: answered without a list at /api/{path}, so this isn't Grafana's API")
    return inner


def _browsers_address(grafana: Grafana) -> str | None:
    try:
        found = grafana.get("frontend/settings")
    except GrafanaError as error:
        if error.status in (_FORBIDDEN, NOT_FOUND):
            return None
        raise
    address = found.get("appUrl") if isinstance(found, dict) else None
    return address.rstrip("/") if isinstance(address, str) else None


def _data_sources(grafana: Grafana) -> tuple[DataSource, ...] | None:
    found = _unless_forbidden(grafana, "datasources")
    if found is None:
        return None
    return tuple(DataSource(*(str(one.get(key, "")) for key in ("uid", "name", "type"))) for one in found)


def _plugins(ours: Iterable[Json]) -> tuple[str, ...]:
    variables = (one for board in ours for one in board["templating"]["list"] if one["type"] == "datasource")
    return tuple(dict.fromkeys(str(one["query"]) for one in variables))


def _part(found: Any, name: str) -> Json:
    part = found.get(name) if isinstance(found, dict) else None
    return part if isinstance(part, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _right(entry: Mapping[str, Any]) -> Right:
    for key, what in (("role", "role"), ("team", "team"), ("userLogin", "user")):
        if entry.get(key):
            return Right(f"{what} {entry[key]}", _may(entry))
    return Right(f"user number {entry.get('userId', '?')}", _may(entry))


def _may(entry: Mapping[str, Any]) -> str:
    return str(entry.get("permissionName") or _LEVELS.get(_number(entry.get("permission")), "?"))
