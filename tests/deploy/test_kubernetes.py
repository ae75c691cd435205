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
from jobqueue.config import load as load_settings
from jobqueue.config.load import VARIABLES
from jobqueue.engines import ENGINES
from tests.deploy.compose import ROOT, STACK, load
from tests.docs.pages import blocks
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


def literals(generator: dict[str, Any]) -> dict[str, str]:
    return dict(literal.split("=", 1) for literal in generator["literals"])


def configured(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """The ConfigMaps that a kustomization makes of literals."""
    made = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["configMapGenerator"]
    return {generator["name"]: literals(generator) for generator in made}


CONFIGURED = configured()
OVERLAYS = [yaml.safe_load(block) for block in blocks(ROOT / "docs/kubernetes.md", "yaml")]
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
    given = given_to(name)
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    [secrets, _] = PODS[name]["volumes"]

    assert given.keys() <= set(VARIABLES)
    assert given["DATABASE_URL_FILE"] == f"{mounts[secrets['name']]['mountPath']}/database_url"
    assert secrets["secret"]["secretName"] == name
    assert all(mount["readOnly"] is True for mount in mounts.values())


def given_to(name: str) -> dict[str, str]:
    """The variables of a pod; those that stand in it win over those of its ConfigMaps."""
    [container] = PODS[name]["containers"]
    maps = [CONFIGURED[source["configMapRef"]["name"]] for source in container["envFrom"]]
    own = {variable["name"]: variable["value"] for variable in container.get("env", [])}
    return {name: value for variables in (*maps, own) for name, value in variables.items()}


def test_every_program_is_told_of_the_same_queue() -> None:
    queue = CONFIGURED["system-status"]

    assert configured(FOLDER / "migrate") == {"system-status": queue}
    assert {"QUEUE_ENGINE", "QUEUE_SCHEMA", "SYSTEM_STATUS_CONFIG"} <= queue.keys()
    assert all(queue.items() <= given_to(name).items() for name in PODS)


def test_the_control_api_takes_its_settings() -> None:
    given = {**given_to("system-status-control"), "DATABASE_URL_FILE": "", "DATABASE_URL": "host=db"}

    _, control = load_control(given, ENGINES)

    assert (control.host, control.auth) == ("0.0.0.0", ("grafana", "token"))


def test_overlays_of_the_documentation_change_what_is_there() -> None:
    images = {pod["containers"][0]["image"].split(":")[0] for pod in PODS.values()}
    bases = {base.partition("system-status/")[2] for overlay in OVERLAYS for base in overlay.get("resources", [])}
    made = [generator for overlay in OVERLAYS for generator in overlay.get("configMapGenerator", [])]
    merged = [generator for generator in made if "behavior" in generator]

    assert bases == {"deploy/kubernetes", "deploy/kubernetes/migrate"}
    assert {image["name"] for overlay in OVERLAYS for image in overlay.get("images", [])} == images
    assert len(merged) == 3
    assert all(literals(generator).keys() <= CONFIGURED[generator["name"]].keys() for generator in merged)


def test_sources_may_stand_in_a_file(tmp_path: Path) -> None:
    [told, file] = next(each["configMapGenerator"] for each in OVERLAYS if each.keys() == {"configMapGenerator"})
    [sources] = [each for each in OVERLAYS if "sources" in each]
    (tmp_path / "orders_url").write_text("host=orders")
    (tmp_path / "mail_url").write_text("host=mail")
    given = given_to("system-status-exporter") | literals(told)
    for pod in PODS.values():
        [_, volume] = pod["volumes"]
        [mount] = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == volume["name"]]
        assert volume["configMap"] == {"name": file["name"], "optional": True}
        assert given["SYSTEM_STATUS_CONFIG"] == f"{mount['mountPath']}/{file['files'][0]}"
    there = tmp_path / file["files"][0]
    there.write_text(yaml.safe_dump(sources).replace("/run/secrets/system-status", str(tmp_path)))

    settings = load_settings({**given, "SYSTEM_STATUS_CONFIG": str(there)}, ENGINES)

    assert [(source.name, source.engine) for source in settings.sources] == [("orders", "ascent"), ("mail", "pgboss")]


def test_the_ingress_of_the_documentation_has_every_path_of_the_proxy() -> None:
    proxy = (ROOT / "deploy/nginx/system-status.conf").read_text("utf-8")
    paths = re.findall(r"location = (\S+) +\{ .*proxy_pass http://control; }", proxy)

    assert len(paths) == 3
    assert all(f"`{path}`" in (ROOT / "docs/kubernetes.md").read_text("utf-8") for path in paths)


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
    [provider] = yaml.safe_load((ROOT / "dashboards/provisioning/dashboards.yml").read_text("utf-8"))["providers"]

    assert {name: json.loads(text) for map_ in maps for name, text in map_["data"].items()} == built
    assert len(built) >= 5
    for map_ in maps:
        assert map_["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert map_["metadata"]["annotations"]["grafana_folder"] == provider["folder"]
        assert sum(map(len, map_["data"].values())) < _LARGEST_CONFIG_MAP
