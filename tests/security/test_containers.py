"""Containers and pods: their users, their rights, and who reaches them."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.compose import OWN, ROOT, STACK, load
from tests.deploy.test_kubernetes import FILES, PODS, of
from tests.deploy.test_kubernetes_network import NAMESPACE, peers

PROJECT = load(STACK)
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]
POLICIES = of("NetworkPolicy")


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_runs_as_root_or_has_a_right_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]

    assert int(service["user"].split(":")[0]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]  # and Docker's own seccomp profile
    assert not {"cap_add", "privileged", "devices", "pid", "ipc", "userns_mode", "extra_hosts"} & service.keys()
    assert not [volume for volume in service.get("volumes", []) if "docker.sock" in volume or volume.startswith("/")]


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_uses_up_the_memory_the_processes_or_the_disk_of_its_machine(name: str) -> None:
    service = SERVICES[name]

    assert re.fullmatch(r"\d{3}m|1g", service["mem_limit"])
    assert service["pids_limit"] <= 256
    assert service["logging"] == {"driver": "local", "options": {"max-size": "10m", "max-file": "3"}}


def test_only_the_port_of_the_proxy_is_open_and_only_on_this_machine() -> None:
    for files in ([STACK], [STACK, OWN]):
        project = load(*files, variables={"POSTGRES_ADDRESS": "db:5432", "POSTGRES_DATABASE": "app"})
        services = project["services"]
        published = {name: service["ports"] for name, service in services.items() if "ports" in service}

        assert published == {"proxy": ["127.0.0.1:8080:8080"]}
        assert {service.get("network_mode") for service in services.values()} <= {None, "service:alertmanager"}


def test_no_container_of_the_demo_but_the_proxy_has_a_way_out() -> None:
    outward = {name for name, network in PROJECT["networks"].items() if not (network or {}).get("internal")}

    assert {name for name, service in SERVICES.items() if outward & set(service.get("networks", []))} == {"proxy"}


def test_only_prometheus_reaches_alertmanager_which_can_silence_alerts() -> None:
    networks = {name: set(service.get("networks", [])) for name, service in SERVICES.items()}

    others = {name for name, joined in networks.items() if joined & networks["alertmanager"]} - {"alertmanager"}

    assert others == {"prometheus"}


def test_the_image_built_here_is_never_taken_from_a_registry() -> None:
    ours = [service for service in SERVICES.values() if service["image"].startswith("system-status:")]

    assert len(ours) >= 6
    assert all((service["build"], service["pull_policy"]) == (".", "build") for service in ours)


@pytest.mark.parametrize("name", PODS)
def test_no_pod_runs_as_root_or_has_a_right_that_it_does_not_need(name: str) -> None:
    pod = PODS[name]
    [container] = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
    assert all(volume.keys() & {"secret", "configMap"} for volume in pod["volumes"])


@pytest.mark.parametrize("name", PODS)
def test_no_pod_uses_up_the_memory_of_its_node(name: str) -> None:
    [container] = PODS[name]["containers"]

    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_no_service_is_open_to_anybody_outside_the_cluster() -> None:
    assert all(service["spec"].get("type", "ClusterIP") == "ClusterIP" for service in of("Service").values())
    assert all("hostPort" not in port for pod in PODS.values() for port in pod["containers"][0].get("ports", []))


def test_no_secret_of_a_pod_stands_in_its_environment() -> None:
    assert not [file for file in FILES if re.search("secretKeyRef|secretRef", Path(file).read_text("utf-8"))]


@pytest.mark.parametrize("name", POLICIES)
def test_no_pod_is_let_in_or_reached_by_a_label_of_its_own_choosing_alone(name: str) -> None:
    """A namespace has its name as a label from Kubernetes itself; pods have what their owner gives them."""
    for peer in peers(POLICIES[name]):
        if peer.keys() == {"ipBlock"}:
            assert peer["ipBlock"]["cidr"].endswith("/32")
            continue
        assert peer.keys() == {"namespaceSelector", "podSelector"}
        for selector in peer.values():
            assert selector.keys() == {"matchLabels"}
            assert all(selector["matchLabels"].values())
        assert NAMESPACE in peer["namespaceSelector"]["matchLabels"]


def test_programs_in_the_image_cannot_change_their_own_code() -> None:
    """The environment is copied as root's; the user that runs it owns nothing, nor has a home."""
    last = (ROOT / "Dockerfile").read_text("utf-8").rpartition("\nFROM ")[2]

    assert "--no-create-home" in last
    assert not re.search(r"--chown|chmod|VOLUME", last)
    assert last.index("COPY") < last.index("\nUSER 10001:10001\n")
