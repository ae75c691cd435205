"""The built files: what is imported, provisioned and published. Reading them takes nothing but Python itself."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FOLDER = Path(__file__).parent / "build"
OURS = "system-status*.json"
"""The names of our files; others in a folder are somebody else's."""
TABBED = "system-status.v2.json"
"""The file with real tabs. Grafana's API for it differs between versions: it is provisioned or imported."""


def text(dashboard: Json) -> str:
    """The same text for the same dashboard, so that changes can be read."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def classic(folder: Path = FOLDER) -> Mapping[str, Json]:
    """The classic dashboards in *folder*, by uid; none where there are no files. Raises OSError and ValueError."""
    found = [json.loads(file.read_text("utf-8")) for file in sorted(folder.glob(OURS)) if file.name != TABBED]
    if not all(isinstance(dashboard, dict) and isinstance(dashboard.get("uid"), str) for dashboard in found):
        raise ValueError("not a dashboard")
    return {dashboard["uid"]: dashboard for dashboard in found}


def fingerprint(dashboard: Json) -> str:
    """Twelve characters that are others for another content; Grafana's own numbers don't count."""
    content = {key: value for key, value in dashboard.items() if key not in ("id", "version")}
    return sha256(text(content).encode()).hexdigest()[:12]
