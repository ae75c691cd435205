"""Who reaches whom in Kubernetes, as the NetworkPolicies say it and as the documentation changes them."""

import copy
from collections.abc import Iterator
from typing import Any

import yaml

from tests.deploy.test_kubernetes import OVERLAYS, WORKLOADS, literals, of, pod_labels

POLICIES = of("NetworkPolicy")
NAMESPACE = "kubernetes.io/metadata.name"
_POSTGRESQL = [{"port": 5432}]


def peers(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every entry that says who is reached or let in; a rule without any means everybody, and has an empty one here."""
    for rule, kind in [(rule, "from") for rule in policy["spec"].get("ingress", [])] + [
        (rule, "to") for rule in policy["spec"].get("egress", [])
    ]:
        yield from rule.get(kind) or ([] if kind == "to" and rule["ports"] == _POSTGRESQL else [{}])


def met(policy: dict[str, Any], kind: str, name: str) -> set[tuple[str, str]]:
    """The namespaces and the values of the label *name* that rules of *kind* are about."""
    rules = policy["spec"].get(kind, [])
    entries = [entry for rule in rules for entry in rule.get("from" if kind == "ingress" else "to", [])]
    return {
        (entry["namespaceSelector"]["matchLabels"][NAMESPACE], entry["podSelector"]["matchLabels"][name])
        for entry in entries
        if name in entry.get("podSelector", {}).get("matchLabels", {})
    }


def test_every_program_has_its_network_policy() -> None:
    assert POLICIES.keys() == WORKLOADS.keys()
    for name, policy in POLICIES.items():
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod_labels(name).items()
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_those_who_have_to_reach_a_program_do_and_nobody_else() -> None:
    name = "app.kubernetes.io/name"
    exporter, control, migrate = (POLICIES[f"system-status-{each}"] for each in ("exporter", "control", "migrate"))

    assert met(exporter, "ingress", name) == {("monitoring", "prometheus")}
    assert met(control, "ingress", name) == {("monitoring", "prometheus"), ("ingress-nginx", "ingress-nginx")}
    assert "ingress" not in migrate["spec"]
    assert met(control, "egress", name) == {("monitoring", "grafana")}
    for policy in POLICIES.values():
        assert met(policy, "egress", "k8s-app") == {("kube-system", "kube-dns")}
        assert {"ports": _POSTGRESQL} in policy["spec"]["egress"]


def test_the_documentation_s_patches_fit_the_network_policies() -> None:
    [patches] = [overlay["patches"] for overlay in OVERLAYS if "patches" in overlay]
    policies = {name: POLICIES[name] for name in ("system-status-exporter", "system-status-control")}
    patched = copy.deepcopy(policies)

    for patch in patches:
        for name in [patch["target"].get("name")] if "name" in patch["target"] else policies:
            for operation in yaml.safe_load(patch["patch"]):
                apply(patched[name], operation)

    text = str(patched)
    assert all(word in text for word in ("metrics", "edge", "traefik", "10.20.30.40/32"))
    assert not any(word in text for word in ("'monitoring'", "'ingress-nginx'"))
    for policy in patched.values():
        assert [peer for peer in peers(policy) if not peer] == []
        assert all(rule.get("to") for rule in policy["spec"]["egress"])


def apply(document: dict[str, Any], operation: dict[str, Any]) -> None:
    """An operation of a JSON patch: what it replaces has to be there."""
    *way, last = [part.replace("~1", "/") for part in operation["path"].split("/")[1:]]
    place: Any = document
    for part in way:
        place = place[int(part) if isinstance(place, list) else part]
    assert (last in place) == (operation["op"] == "replace")
    place[last] = operation["value"]


def test_the_example_s_grafana_is_the_one_that_may_be_asked() -> None:
    [control] = [
        generator
        for overlay in OVERLAYS
        for generator in overlay.get("configMapGenerator", [])
        if generator["name"] == "system-status-control"
    ]
    [(namespace, grafana)] = met(POLICIES["system-status-control"], "egress", "app.kubernetes.io/name")

    assert literals(control)["CONTROL_API_GRAFANA_URL"] == f"http://{grafana}.{namespace}:3000"
