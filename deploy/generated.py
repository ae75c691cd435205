"""The generated files: SQL for the compose stack's roles, ConfigMaps and a PrometheusRule for Kubernetes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from dashboards.installed import FOLDER_TITLE
from jobqueue.config import Source
from jobqueue.tables.grants import grants

ROOT = Path(__file__).parents[1]
KUBERNETES = ROOT / "deploy/kubernetes/generated"

_LABELS = {"app.kubernetes.io/part-of": "system-status"}
_HEADER = "# Written by python -m deploy; a test compares.\n"


def generated() -> dict[Path, str]:
    """What every generated file should hold."""
    manifests = dict(_manifests())
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(manifests),
    }
    return {
        ROOT / "deploy/postgres/grants.sql": _grants(),
        **{KUBERNETES / name: _document(manifest) for name, manifest in manifests.items()},
        KUBERNETES / "kustomization.yaml": _document(kustomization),
    }


def _grants() -> str:
    source = Source(name="main", dsn=SecretStr("postgresql://ascent@postgres/ascent"))
    lines = grants([source], "system_status_exporter", "system_status_control", "system_status_grafana")
    return "-- Written by python -m deploy, as python -m jobqueue grants prints it; a test compares.\n" + "\n".join(
        lines
    )


def _manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "rules.yaml", _rules()
    for file in sorted((ROOT / "dashboards/build").glob("*.json")):
        name = file.stem.replace(".", "-")
        yield f"dashboard-{name}.yaml", _dashboard(file, name)


def _rules() -> dict[str, Any]:
    files = sorted((ROOT / "alerts/rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text("utf-8"))["groups"]]
    metadata = {"name": "system-status", "labels": _LABELS}
    kind = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule"}
    return {**kind, "metadata": metadata, "spec": {"groups": groups}}


def _dashboard(file: Path, name: str) -> dict[str, Any]:
    """A ConfigMap that the sidecar of Grafana's Helm chart finds; without indentation, for they are limited."""
    document = json.loads(file.read_text("utf-8"))
    metadata = {
        "name": f"dashboard-{name}",
        "labels": {**_LABELS, "grafana_dashboard": "1"},
        "annotations": {"grafana_folder": FOLDER_TITLE},
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {file.name: text}}


def _document(data: dict[str, Any]) -> str:
    return _HEADER + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
