"""The compose files as Compose reads them: variables put in, the second file laid over the first."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
STACK = "docker-compose.yml"
OWN = "docker-compose.own.yml"

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::(-|\?)([^}]*))?\}")
_NONE: Mapping[str, str] = {}


def load(*files: str, variables: Mapping[str, str] = _NONE) -> dict[str, Any]:
    """The project in *files*; a variable that must be set and isn't raises ``KeyError`` with its message."""
    merged: dict[str, Any] = {}
    for file in files:
        text = _VARIABLE.sub(lambda match: _value(match, variables), (ROOT / file).read_text("utf-8"))
        merged = _over(merged, yaml.safe_load(text))
    return merged


def started(project: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that ``up`` starts: those without a profile."""
    return {name: service for name, service in project["services"].items() if not service.get("profiles")}


def mounts(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What of the repository is mounted: path there, path in the container, mode."""
    parts = [volume.split(":") for volume in service.get("volumes", [])]
    return [(source, target, "".join(mode)) for source, target, *mode in parts if source.startswith("./")]


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match[0] == "$$":
        return "$"
    name, kind, text = match.groups()
    if value := variables.get(name):
        return value
    if kind == "?":
        raise KeyError(text)
    return text or ""


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {key: _over(below[key], value) if key in below else value for key, value in above.items()}
    return below + above if isinstance(below, list) and isinstance(above, list) else above
