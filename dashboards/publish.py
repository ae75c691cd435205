"""Puts the classic dashboards into a folder of Grafana. What others made there, it leaves alone and names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dashboards.files import Json
from dashboards.grafana_api import Grafana, GrafanaError
from dashboards.installed import (
    FOLDER_TITLE,
    FOLDER_UID,
    Dashboard,
    Folder,
    State,
    dashboard,
    folder,
    signature,
    version,
)

Say = Callable[[str], None]
_PROVISIONED = "provisioned dashboard"
"""Of what Grafana says, with the same status as of a dashboard that it can't read."""
_CHANGED_MEANWHILE = 412


@dataclass(frozen=True, slots=True)
class Order:
    """Where to publish, and what may be done there. A dry run only says what would be."""

    folder_uid: str = FOLDER_UID
    folder_title: str = FOLDER_TITLE
    overwrite: bool = False
    dry_run: bool = False


def publish(grafana: Grafana, dashboards: Mapping[str, Json], order: Order, say: Say) -> bool:
    """Make the folder where it is missing, for admins only, and upload what has changed; safe to run again.

    False where a dashboard was left as it is, because somebody else changed it. Raises GrafanaError.
    """
    version(grafana)  # an address that isn't Grafana's is found out before anything is sent there
    found = [dashboard(grafana, ours) for ours in dashboards.values()]
    reasons = {there.uid: _reason_to_leave(there, order) for there in found}
    changed = [there for there in found if not reasons[there.uid] and not _is_right(there, order)]
    there_already = folder(grafana, order.folder_uid)
    if there_already is not None:
        say(_left(there_already, grafana))
    elif changed:
        _made(grafana, order, say)
    for there in found:
        if reasons[there.uid]:
            say(f"{there.uid}: left as it is: {reasons[there.uid]}")
        elif there in changed:
            _upload(grafana, dashboards[there.uid], there, order, say)
        else:
            say(f"{there.uid}: up to date")
    return not any(reasons.values())


def limit(grafana: Grafana, order: Order, say: Say) -> None:
    """Make the folder where it is missing, and limit it to admins whoever made it. Raises GrafanaError."""
    version(grafana)
    found = folder(grafana, order.folder_uid)
    if found is None:
        _made(grafana, order, say)
    elif found.rights is not None and not found.others:
        say(f"folder {found.uid}: for organization admins only already")
    else:
        who = ", ".join(map(str, found.others)) or "who sees it can't be read"
        if order.dry_run:
            say(f"folder {found.uid}: would be limited to organization admins; now: {who}")
            return
        say(f"folder {found.uid}: until now: {who}")
        _limit(grafana, order, say)


def _made(grafana: Grafana, order: Order, say: Say) -> None:
    if order.dry_run:
        say(f"folder {order.folder_uid}: would be made, for organization admins only")
        return
    grafana.post("folders", {"uid": order.folder_uid, "title": order.folder_title}, uid=order.folder_uid)
    say(f"folder {order.folder_uid}: made")
    _limit(grafana, order, say)


def _limit(grafana: Grafana, order: Order, say: Say) -> None:
    try:
        # The list replaces what Grafana grants a new folder, to viewers and editors. Admins need no entry.
        grafana.post(f"folders/{order.folder_uid}/permissions", {"items": []})
        others = _must(folder(grafana, order.folder_uid), grafana, order).others
    except GrafanaError as error:
        raise GrafanaError(f"{error}. The folder isn't limited yet: {_limiting(grafana, order.folder_uid)}") from None
    if others:
        who = ", ".join(map(str, others))
        raise GrafanaError(
            f"folder {order.folder_uid}: {who} still may: rights of the folder around it? Limit that one"
        )
    say(f"folder {order.folder_uid}: for organization admins only")


def _must(found: Folder | None, grafana: Grafana, order: Order) -> Folder:
    if found is None or found.rights is None:
        raise GrafanaError(f"{grafana.address}: who may see folder {order.folder_uid} can't be read")
    return found


def _left(found: Folder, grafana: Grafana) -> str:
    name = f"folder {found.uid} ({found.title}): there already, its rights are left alone"
    if found.rights is None:
        return f"{name}: the token may not read them"
    if not found.others:
        return f"{name}: for organization admins only"
    return f"{name}: besides admins {', '.join(map(str, found.others))}; {_limiting(grafana, found.uid)}"


def _limiting(grafana: Grafana, uid: str) -> str:
    return f"for admins only: python -m dashboards limit --grafana {grafana.address} --folder {uid}"


def _is_right(there: Dashboard, order: Order) -> bool:
    return there.state is State.UP_TO_DATE and there.folder_uid == order.folder_uid


def _upload(grafana: Grafana, ours: Json, there: Dashboard, order: Order, say: Say) -> None:
    what = {State.ABSENT: "new", State.UP_TO_DATE: "moved"}.get(there.state, str(there.state))
    if order.dry_run:
        say(f"{there.uid}: would be uploaded: {what}")
        return
    body = {
        "dashboard": {**ours, "version": there.version},
        "folderUid": order.folder_uid,
        "message": signature(ours),
        "overwrite": False,  # the version above is the one that was looked at: a later one is somebody's work
    }
    try:
        grafana.post("dashboards/db", body, uid=there.uid, status="success")
    except GrafanaError as error:
        raise GrafanaError(f"{error}{_advice(error)}", error.status) from None
    say(f"{there.uid}: uploaded: {what}")


def _reason_to_leave(there: Dashboard, order: Order) -> str:
    """Why not to upload it; empty where that takes nobody's work away."""
    if there.state is State.PROVISIONED:
        return f"{there.state}: remove it there, or renew these files"
    if order.overwrite:
        return ""
    if there.state is State.EDITED:
        by = f", last by {there.edited_by}" if there.edited_by else ""
        return f"{there.state}{by}; --overwrite replaces it, Grafana's versions of it keep the old one"
    if there.state is not State.ABSENT and there.folder_uid != order.folder_uid:
        where = f"--folder {there.folder_uid}" if there.folder_uid else "the root"
        return f"it is in another folder ({where}); --overwrite moves it"
    return ""


def _advice(error: GrafanaError) -> str:
    if _PROVISIONED in str(error):
        return ": a dashboard of this uid is provisioned from files; remove it there, or publish nothing"
    if error.status == _CHANGED_MEANWHILE:
        return ": somebody saved it just now, or another one has its title; run this again"
    return ""
