"""The configurations of Prometheus and Alertmanager, by their own tools and in the servers themselves."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml

from demo.ports import get
from tests.deploy.compose import ROOT, STACK, load, mounts
from tests.deploy.native import free_port, running
from tests.exporter.promtool import promtool
from tests.waiting import until

SERVICES = load(STACK)["services"]
_AMTOOL = ROOT / ".tools/prometheus-alertmanager/usr/bin/amtool"
_PROMETHEUS = ROOT / ".tools/prometheus/usr/bin/prometheus"


def program(name: str, unpacked: Path) -> str:
    found = shutil.which(name) or shutil.which(unpacked)
    assert found, f"no {name} here: make test fetches it"
    return found


@pytest.fixture
def container(tmp_path: Path) -> Path:
    """A folder that stands for the root of a container: what is mounted there lies in it."""
    for name in ("prometheus", "alertmanager"):
        for source, target, _ in mounts(SERVICES[name]):
            place = tmp_path / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(ROOT / source)
    return tmp_path


def inside(container: Path, service: str) -> list[str]:
    """The arguments of a service; paths lie below *container*."""
    return [part.replace("=/", f"={container}/") for part in SERVICES[service]["command"]]


def test_prometheus_takes_its_configuration_and_finds_rules(container: Path) -> None:
    file = container / "etc/prometheus/prometheus.yml"

    checked = subprocess.run([promtool(), "check", "config", file], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"SUCCESS: {len(list((ROOT / 'alerts/rules').glob('*.yml')))} rule files found" in checked.stdout


async def test_prometheus_starts_as_the_stack_starts_it(container: Path) -> None:
    port, log, variables = free_port(), container / "prometheus.log", SERVICES["prometheus"]["environment"]
    command = [program("prometheus", _PROMETHEUS), *inside(container, "prometheus")]
    # Prometheus 3, as the stack has it, does this by itself.
    command += [f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=expand-external-labels"]
    with running(command, variables, log):
        await until(lambda: get(port, "/-/ready") is not None)
        configuration = json.loads(get(port, "/api/v1/status/config") or "")["data"]["yaml"]
    assert yaml.safe_load(configuration)["global"]["external_labels"] == {
        "grafana_url": variables["GRAFANA_URL"],
        "runbooks_url": variables["RUNBOOKS_URL"],
    }


def test_alertmanager_takes_its_configuration(container: Path) -> None:
    file = container / "etc/alertmanager/alertmanager.yml"

    checked = subprocess.run([program("amtool", _AMTOOL), "check-config", file], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alertmanager_delivers_to_where_the_stack_listens() -> None:
    service = SERVICES["notifications"]
    configuration = yaml.safe_load((ROOT / "alerts/alertmanager.yml").read_text("utf-8"))

    addresses = re.findall(r"'url': '(.*?)'", str(configuration["receivers"]))

    assert service["network_mode"] == "service:alertmanager"
    assert addresses
    assert all(address.startswith(f"http://127.0.0.1:{service['command'][-1]}/") for address in addresses)
    assert find_spec(service["command"][0]) is not None


async def test_alertmanager_starts_as_the_stack_starts_it(container: Path) -> None:
    port, log = free_port(), container / "alertmanager.log"
    command = [str(ROOT / "scripts/alertmanager"), *inside(container, "alertmanager")]
    with running([*command, f"--web.listen-address=127.0.0.1:{port}"], {"PATH": os.environ["PATH"]}, log):
        await until(lambda: get(port, "/-/ready") is not None)
        # The server is ready before it hears SIGTERM; the loop that hears it answers this, too.
        with await asyncio.to_thread(urlopen, Request(f"http://127.0.0.1:{port}/-/reload", method="POST")) as reloaded:
            assert reloaded.status == 200
