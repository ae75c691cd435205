"""The manifests, by Kubernetes' own schemas; the operator's kinds, which those don't have, by what they must match."""

import json
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_api.settings import load_control
from deploy.generated import generated
from jobqueue.config import Listen
from jobqueue.config.load import VARIABLES
from jobqueue.engines import ENGINES
from tests.deploy.compose import ROOT, STACK, load
from tests.exporter.promtool import promtool

FOLDER = ROOT / "deploy/kubernetes"
GENERATED = generated()
OPERATORS = {"ServiceMonitor", "PrometheusRule"}
_LARGEST_CONFIG_MAP = 1024 * 1024


def resources(folder: Path = FOLDER) -> list[Path]:
    """Every manifest that a kustomization names, and those of the folders in it."""
    named = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["resources"]
    return [
        file for name in named for file in (resources(folder / name) if (folder / name).is_dir() else [folder / name])
    ]


FILES = [*resources(), *resources(FOLDER / "migrate")]
MANIFESTS: list[dict[str, Any]] = [
    document for file in FILES for document in yaml.safe_load_all(file.read_text("utf-8"))
]


def of(kind: str) -> dict[str, dict[str, Any]]:
    return {manifest["metadata"]["name"]: manifest for manifest in MANIFESTS if manifest["kind"] == kind}


WORKLOADS = {**of("Deployment"), **of("Job")}
PODS = {name: workload["spec"]["template"]["spec"] for name, workload in WORKLOADS.items()}


def test_every_manifest_is_named_once() -> None:
    files = {file for file in FOLDER.rglob("*.yaml") if file.name != "kustomization.yaml"}

    assert sorted(FILES) == sorted(files)


def test_kubernetes_schemas_have_nothing_to_say() -> None:
    validate = Path(sysconfig.get_path("scripts")) / "kubernetes-validate"

    checked = subprocess.run([validate, "--strict", *FILES], capture_output=True, text=True)

    said = checked.stdout + checked.stderr
    assert checked.returncode == 0, said
    unknown = {match[1] for match in re.finditer(r"Couldn't find schema for kind (\w+)", said)}
    assert unknown == OPERATORS


@pytest.mark.parametrize("file", GENERATED, ids=lambda file: file.name)
def test_what_is_generated_is_current(file: Path) -> None:
    assert file.read_text("utf-8") == GENERATED[file], "run python -m deploy"


def test_nothing_is_left_of_what_was_generated_once() -> None:
    assert set((FOLDER / "generated").iterdir()) <= set(GENERATED)


def test_no_manifest_says_in_which_namespace_it_lives() -> None:
    assert not [manifest for manifest in MANIFESTS if "namespace" in manifest["metadata"]]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_right_that_it_does_not_need(name: str) -> None:
    pod = PODS[name]
    [container] = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_the_stack_s_program_as_the_image_has_it(name: str) -> None:
    compose = load(STACK)["services"]
    [container] = PODS[name]["containers"]
    service = compose[container["name"]]

    assert container["args"] == service["command"]
    assert container["image"] == service["image"]
    assert (
        f"{PODS[name]['securityContext']['runAsUser']}:{PODS[name]['securityContext']['runAsGroup']}" == service["user"]
    )


@pytest.mark.parametrize("name", PODS)
def test_a_pod_s_variables_are_ours_and_its_secret_is_a_file(name: str) -> None:
    [container] = PODS[name]["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    [mount], [volume] = container["volumeMounts"], PODS[name]["volumes"]

    assert given.keys() <= set(VARIABLES)
    assert given["DATABASE_URL_FILE"] == f"{mount['mountPath']}/database_url"
    assert (mount["name"], mount["readOnly"]) == (volume["name"], True)
    assert volume["secret"]["secretName"] == name


def test_the_control_api_takes_its_settings() -> None:
    [generator] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["configMapGenerator"]
    [container] = PODS["system-status-control"]["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    configured = dict(literal.split("=", 1) for literal in generator["literals"])
    del given["DATABASE_URL_FILE"]

    _, control = load_control({**given, **configured, "DATABASE_URL": "host=db"}, ENGINES)

    assert container["envFrom"] == [{"configMapRef": {"name": generator["name"]}}]
    assert (control.host, control.auth) == ("0.0.0.0", ("grafana", "token"))


def test_ports_lead_from_the_monitor_to_the_program() -> None:
    _, control = load_control({"DATABASE_URL": "host=db"}, ENGINES)
    listens = {"system-status-exporter": Listen().port, "system-status-control": control.port}
    [monitor] = of("ServiceMonitor").values()
    [endpoint] = monitor["spec"]["endpoints"]

    assert of("Service").keys() == listens.keys()
    for name, service in of("Service").items():
        [port], [container] = service["spec"]["ports"], PODS[name]["containers"]
        assert port["port"] == listens[name]
        assert container["ports"] == [{"name": port["targetPort"], "containerPort": listens[name]}]
        assert service["spec"]["selector"].items() <= pod_labels(name).items()
        assert WORKLOADS[name]["spec"]["selector"]["matchLabels"].items() <= pod_labels(name).items()
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert endpoint["port"] == port["name"]
        assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "system-status"
        assert container["livenessProbe"] == container["readinessProbe"]
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": port["name"]}


def pod_labels(name: str) -> dict[str, str]:
    labels: dict[str, str] = WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
    return labels


def test_every_program_that_goes_on_has_its_network_policy() -> None:
    policies = of("NetworkPolicy")

    assert policies.keys() == of("Deployment").keys()
    for name, policy in policies.items():
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod_labels(name).items()
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_the_rules_are_those_of_the_other_stacks(tmp_path: Path) -> None:
    [rules] = of("PrometheusRule").values()
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(rules["spec"]))

    checked = subprocess.run([promtool(), "check", "rules", file], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    stack = [yaml.safe_load(source.read_text("utf-8"))["groups"] for source in (ROOT / "alerts/rules").glob("*.yml")]
    names = sorted(group["name"] for groups in stack for group in groups)
    assert sorted(group["name"] for group in rules["spec"]["groups"]) == names
    assert len(names) >= 5


def test_the_dashboards_are_those_of_the_other_stacks() -> None:
    built = {file.name: json.loads(file.read_text("utf-8")) for file in (ROOT / "dashboards/build").glob("*.json")}
    maps = of("ConfigMap").values()

    assert {name: json.loads(text) for map_ in maps for name, text in map_["data"].items()} == built
    assert len(built) >= 5
    for map_ in maps:
        assert map_["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert sum(map(len, map_["data"].values())) < _LARGEST_CONFIG_MAP
