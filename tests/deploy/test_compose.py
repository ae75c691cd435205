"""The compose stack, as far as it can be checked without Docker."""

import re
import subprocess
import sys
from configparser import ConfigParser
from ipaddress import ip_network
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml

from control_api.settings import load_control
from jobqueue.config import Listen
from jobqueue.config.load import VARIABLES
from jobqueue.engines import ENGINES
from tests.deploy.compose import OWN, ROOT, STACK, load, mounts, started

PROJECT = load(STACK)
SERVICES = PROJECT["services"]
OURS = [name for name, service in SERVICES.items() if service.get("build")]
OWN_DATABASE = {"POSTGRES_ADDRESS": "db.example:5432", "POSTGRES_DATABASE": "app"}
FINISHED = "service_completed_successfully"


def test_both_files_are_what_the_compose_specification_allows() -> None:
    command = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", STACK, OWN]

    checked = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_an_exact_version(name: str) -> None:
    assert re.search(r":v?\d+\.\d+[\w.-]*$", SERVICES[name]["image"].partition("@")[0])


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_there_and_read_only(name: str) -> None:
    found = [(source, (ROOT / source).exists(), mode) for source, _, mode in mounts(SERVICES[name])]

    assert found == [(source, True, "ro") for source, _, _ in found]


def test_a_service_that_goes_on_says_whether_it_is_well() -> None:
    unchecked = {name for name, service in SERVICES.items() if service.get("healthcheck", {}).get("disable")}

    assert unchecked == {"prepare", "migrate", "roles", "platform", "notifications"}
    assert all("healthcheck" in service for service in SERVICES.values())


@pytest.mark.parametrize("files", [(STACK,), (STACK, OWN)], ids=["the demo", "one's own database"])
def test_nothing_waits_for_what_is_not_started_or_never_says_that_it_is_well(files: tuple[str, ...]) -> None:
    running = started(load(*files, variables=OWN_DATABASE))
    for name, service in running.items():
        for other, wait in service.get("depends_on", {}).items():
            if other not in running:
                assert wait["required"] is False, f"{name} waits for {other}"
            elif wait["condition"] == FINISHED:
                assert running[other]["restart"] == "no"
            else:
                assert wait["condition"] == "service_healthy"
                assert not running[other]["healthcheck"].get("disable")


def test_each_program_gets_its_own_secrets_alone() -> None:
    secrets = {name: set(service.get("secrets", [])) for name, service in SERVICES.items()}

    assert secrets["exporter"] == {"exporter_url"}
    assert secrets["control"] == {"control_url"}
    assert secrets["grafana"] == {"grafana_admin_password", "grafana_signing_password", "grafana_database_password"}
    assert set().union(*secrets.values()) == set(PROJECT["secrets"])
    for service in SERVICES.values():
        named = {Path(value).name for value in service.get("environment", {}).values() if "/run/secrets/" in value}
        assert named <= set(service.get("secrets", []))


def test_no_password_stands_in_the_files() -> None:
    names = {name for service in SERVICES.values() for name in service.get("environment", {})}
    secret = {name for name in names if re.search("PASSWORD|SECRET_KEY|DATABASE_URL", name)}

    assert len(secret) == 4
    assert all(name.endswith("_FILE") for name in secret)


def test_the_secrets_are_made_once_and_for_their_owner(tmp_path: Path) -> None:
    first, second = make_secrets(tmp_path), make_secrets(tmp_path)

    assert first == second
    assert {f".secrets/{name}" for name in first} == {secret["file"] for secret in PROJECT["secrets"].values()}
    assert (tmp_path / ".secrets").stat().st_mode & 0o777 == 0o700
    # Written to by their owner, when the database is one of his own.
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / ".secrets").iterdir()} == {0o644}
    passwords = [text for name, text in first.items() if name.endswith("_password")]
    assert len(set(passwords)) == len(passwords)
    assert all(re.fullmatch(r"[A-Za-z0-9]{32}", password) for password in passwords)


def make_secrets(folder: Path) -> dict[str, str]:
    script = folder / "deploy/secrets.sh"
    script.parent.mkdir(exist_ok=True)
    script.write_bytes((ROOT / "deploy/secrets.sh").read_bytes())
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    return {file.name: file.read_text() for file in (folder / ".secrets").iterdir()}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_ours_is_one_that_the_settings_know(name: str) -> None:
    assert set(SERVICES[name].get("environment", {})) <= set(VARIABLES)


@pytest.mark.parametrize("files", [(STACK,), (STACK, OWN)], ids=["the demo", "one's own database"])
def test_the_control_api_takes_its_settings(files: tuple[str, ...], tmp_path: Path) -> None:
    project = load(*files, variables={**OWN_DATABASE, "SYSTEM_STATUS_PORT": "8099"})
    (tmp_path / "url").write_text("postgresql://system_status_control@postgres/ascent")
    environment = {**project["services"]["control"]["environment"], "DATABASE_URL_FILE": str(tmp_path / "url")}

    settings, control = load_control(environment, ENGINES)

    assert [source.name for source in settings.sources] == ["main"]
    assert control.origins == ("http://localhost:8099", "http://127.0.0.1:8099")
    [edge] = project["networks"]["edge"]["ipam"]["config"]
    assert control.trusted_proxies == (ip_network(edge["subnet"]),)


def test_ports_are_those_that_the_programs_listen_on() -> None:
    proxy = (ROOT / "deploy/nginx/system-status.conf").read_text("utf-8")
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    _, control = load_control({"DATABASE_URL": "host=db"}, ENGINES)
    exporter = Listen()

    [scrape] = prometheus["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": [f"exporter:{exporter.port}", f"control:{control.port}"]}]
    assert re.findall(r"^upstream \w+ +\{ server (.*); \}$", proxy, re.M) == ["grafana:3000", f"control:{control.port}"]
    assert re.findall(r"listen (\d+);", proxy) == [SERVICES["proxy"]["ports"][0].split(":")[-1]]
    assert [ask(SERVICES[name]) for name in ("exporter", "control", "proxy")] == [
        f"http://127.0.0.1:{exporter.port}/readyz",
        f"http://127.0.0.1:{control.port}/readyz",
        "http://127.0.0.1:8080/api/health",
    ]


def ask(service: dict[str, Any]) -> str:
    """The address that a health check asks for."""
    [address] = re.findall(r"http://[^']+", service["healthcheck"]["test"][-1])
    return str(address)


def test_who_talks_to_whom_shares_a_network() -> None:
    networks = {name: set(service.get("networks", [])) for name, service in SERVICES.items()}

    for one, other in (
        ("proxy", "grafana"),
        ("proxy", "control"),
        ("control", "grafana"),
        ("prometheus", "exporter"),
        ("prometheus", "control"),
        ("prometheus", "alertmanager"),
        ("grafana", "prometheus"),
        *((name, "postgres") for name in ("prepare", "migrate", "roles", "platform", "exporter", "control", "grafana")),
    ):
        assert networks[one] & networks[other], f"{one} can't reach {other}"
    assert not networks["proxy"] & networks["postgres"]


def outward(project: dict[str, Any]) -> set[str]:
    """The services on a network that leads elsewhere."""
    open_ = {name for name, network in project["networks"].items() if not (network or {}).get("internal")}
    return {name for name, service in started(project).items() if open_ & set(service.get("networks", []))}


def test_one_s_own_database_and_receivers_of_alerts_can_be_reached() -> None:
    project = load(STACK, OWN, variables=OWN_DATABASE)

    assert outward(PROJECT) == {"proxy"}
    assert outward(project) >= {"exporter", "control", "grafana", "alertmanager"}
    assert "monitoring" in project["services"]["migrate"]["networks"]
    assert project["networks"]["queue"]["internal"] is True


def test_grafana_finds_its_dashboards_and_data_sources() -> None:
    folders = {target: source for source, target, _ in mounts(SERVICES["grafana"])}
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

    [provider] = provisioned("dashboards")["providers"]
    prometheus, postgres = provisioned("datasources")["datasources"]

    assert provider["options"]["path"] == str(home.parent)
    assert (ROOT / folders[str(home.parent)] / home.name).exists()
    assert prometheus["url"] == "http://prometheus:9090"
    assert (postgres["url"], postgres["user"]) == ("postgres:5432", "system_status_grafana")
    assert postgres["jsonData"]["database"] == SERVICES["postgres"]["environment"]["POSTGRES_DB"]
    assert postgres["secureJsonData"] == {"password": "from a secret"}


def test_grafana_gives_viewers_and_editors_no_right_on_the_folder_that_it_makes() -> None:
    """Its list of what is given rights when it is made: read in Grafana's source, for no server was to be had."""
    [source] = [source for source, target, _ in mounts(SERVICES["grafana"]) if target == "/etc/grafana/grafana.ini"]
    ini = ConfigParser()
    ini.read_string((ROOT / source).read_text("utf-8"))

    given = ini["rbac"]["resources_with_managed_permissions_on_creation"].split(", ")

    assert given == ["dashboard", "service-account", "datasource"]


def provisioned(kind: str) -> dict[str, Any]:
    """The file of *kind* that Grafana reads when it starts, with the variables that it has then."""
    grafana, folder = SERVICES["grafana"], f"/etc/grafana/provisioning/{kind}"
    [name] = re.findall(
        r"(\w+)=\$\(cat /run/secrets/grafana_database_password\) exec /run.sh$", grafana["entrypoint"][-1]
    )
    [source] = [source for source, target, _ in mounts(grafana) if target.startswith(folder)]
    text = Template((ROOT / source).read_text("utf-8"))
    document: dict[str, Any] = yaml.safe_load(text.substitute(grafana["environment"], **{name: "from a secret"}))
    return document


def test_one_s_own_database_brings_nothing_of_the_demo() -> None:
    project = load(STACK, OWN, variables=OWN_DATABASE)

    assert set(started(project)) == {
        "exporter",
        "control",
        "prometheus",
        "alertmanager",
        "notifications",
        "grafana",
        "proxy",
    }
    # The queue's network leads nowhere but to the demo's database.
    assert set(project["services"]["migrate"]["networks"]) > set(SERVICES["migrate"]["networks"])
    assert project["services"]["control"]["environment"]["CONTROL_API_JANITOR_EVERY"] == ""
    assert project["services"]["grafana"]["environment"]["SYSTEM_STATUS_POSTGRES_ADDRESS"] == "db.example:5432"
    with pytest.raises(KeyError, match="your database's name"):
        load(STACK, OWN, variables={"POSTGRES_ADDRESS": "db.example:5432"})
